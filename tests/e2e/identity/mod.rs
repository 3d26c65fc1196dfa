//! Who somebody is, for how long, and what is tried by those who are not.

mod attacks;
mod clocked;
mod lockout;
mod names;
mod revoking;
mod streams;
