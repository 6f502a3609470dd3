//! Random bits for the core, which draws none itself.

/// Random bytes of the operating system. Without them nothing can be kept secret, so there is no going on.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A random number.
pub(crate) fn random_u32() -> u32 {
    u32::from_be_bytes(random_bytes())
}
