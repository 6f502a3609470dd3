//! Crockford base32: five bits a character, no I, L, O, U; what a person types is read kindly.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The character that stands for the low five bits of `value`.
pub fn symbol(value: u8) -> char {
    char::from(ALPHABET[usize::from(value & 31)])
}

/// What each byte stands for, and [`FOREIGN`].
const VALUES: [u8; 256] = {
    let mut values = [FOREIGN; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        let upper = ALPHABET[value];
        values[upper as usize] = value as u8;
        values[upper.to_ascii_lowercase() as usize] = value as u8;
        value += 1;
    }
    let (mut nth, kind) = (0, [(b'O', 0), (b'o', 0), (b'I', 1), (b'i', 1), (b'L', 1), (b'l', 1)]);
    while nth < kind.len() {
        values[kind[nth].0 as usize] = kind[nth].1;
        nth += 1;
    }
    values
};
/// Of a byte that stands for nothing.
const FOREIGN: u8 = u8::MAX;

/// The five bits that `byte` stands for; case does not matter, `O` reads as 0, `I` and `L` as 1.
pub fn value(byte: u8) -> Option<u8> {
    let value = VALUES[usize::from(byte)];
    (value != FOREIGN).then_some(value)
}

/// Appends `symbols` characters holding the low `5 * symbols` bits of `bits`, most significant first.
pub fn push(text: &mut String, bits: u128, symbols: u32) {
    for i in (0..symbols).rev() {
        text.push(symbol((bits >> (5 * i)) as u8));
    }
}

/// Reads `N` symbols out of `text`, skipping hyphens; `None` for a foreign character or another count.
pub fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut symbols = [0; N];
    let mut count = 0;
    for byte in text.bytes().filter(|&b| b != b'-') {
        *symbols.get_mut(count)? = value(byte)?;
        count += 1;
    }
    (count == N).then_some(symbols)
}

/// The number that a run of at most 25 symbols spells.
pub fn fold(symbols: &[u8]) -> u128 {
    symbols.iter().fold(0, |bits, &s| (bits << 5) | u128::from(s))
}
