//! What a passphrase wrapped: the head of a blob says what unwrapping costs, and is not to be trusted.

use keyward_kms_soft::Cost;

pub(super) fn run(bytes: &[u8]) {
    if let Some(cost) = Cost::of(bytes) {
        assert!(cost.memory_kib() <= Cost::MAX_MEMORY_KIB, "a blob takes more memory than there is");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let blob = |memory: u32, passes: u32, lanes: u8| {
        [&[1][..], &memory.to_be_bytes(), &passes.to_be_bytes(), &[lanes], &[7; 16], &[8; 60]].concat()
    };
    vec![blob(64 << 10, 3, 4), blob(8, 1, 1), blob(u32::MAX, 1, 1), blob(64, 0, 1)]
}
