//! The suite that every `KeyWrapper` must pass.
