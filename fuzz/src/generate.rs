//! Inputs: examples, with pieces that were hostile before put into them, and random damage.

/// Pieces that hurt a parser before, or may.
const PIECES: &[&str] = &[
    "{\"$serde_json::private::RawValue\":\"[[1]]\"}",
    "{\"\\u0024serde_json::private::RawValue\":\"[[1]]\"}",
    "{\"$serde_json::private::Number\":\"1\"}",
    "\"$serde_json::private::RawValue\"",
    "\\ud800",
    "\\u0024",
    "1e999",
    "-0.0",
    "18446744073709551616",
    "null",
    "[]",
    "{}",
    "\"",
    "\\",
    "\u{feff}",
    "\r\n",
    "data: ",
    "\n\n",
];

/// The largest input, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Makes inputs by a seed.
#[derive(Debug)]
pub(crate) struct Generator {
    random: fastrand::Rng,
    examples: &'static [&'static [u8]],
}

impl Generator {
    pub(crate) fn new(seed: u64, examples: &'static [&'static [u8]]) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), examples }
    }

    /// The next input.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.example().to_vec();
        for _ in 0..self.random.usize(0..6) {
            self.mutate(&mut input);
        }
        input.truncate(MAX_BYTES);
        input
    }

    fn example(&mut self) -> &'static [u8] {
        self.random.choice(self.examples).copied().unwrap_or_default()
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.random.usize(0..=input.len());
        let end = (at + self.random.usize(0..=16)).min(input.len());
        match self.random.u8(0..9) {
            0 if at < input.len() => input[at] ^= 1 << self.random.u8(0..8),
            1 => drop(input.drain(at..end)),
            2 => {
                let piece: Vec<u8> = input[at..end].to_vec();
                let times = self.random.usize(1..200);
                input.splice(at..at, piece.repeat(times));
            }
            3 => {
                let other = self.example();
                let from = self.random.usize(0..=other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            4 => {
                let deep = self.deep();
                self.instead_of_value(input, &deep);
            }
            5 => {
                let layers = self.layers();
                self.instead_of_value(input, &layers);
            }
            6 => {
                let byte = self.random.u8(..);
                input.insert(at, byte);
            }
            _ => {
                let piece = self.random.choice(PIECES).copied().unwrap_or_default();
                if self.random.bool() {
                    self.instead_of_value(input, piece.as_bytes());
                } else {
                    input.splice(at..at, piece.bytes());
                }
            }
        }
        input.truncate(MAX_BYTES);
    }

    /// Puts a piece where a value stands: behind a colon, a comma or a bracket.
    fn instead_of_value(&mut self, input: &mut Vec<u8>, piece: &[u8]) {
        let begins = |(n, byte): (usize, &u8)| matches!(byte, b':' | b',' | b'[').then_some(n + 1);
        let places: Vec<usize> = input.iter().enumerate().filter_map(begins).collect();
        let Some(from) = self.random.choice(places) else { return input.extend_from_slice(piece) };
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']');
        let to = input[from..].iter().position(ends).map_or(input.len(), |n| from + n);
        input.splice(from..to, piece.iter().copied());
    }

    /// Nested lists or objects, around the limits or far above.
    fn deep(&mut self) -> Vec<u8> {
        let levels = match self.random.u8(0..3) {
            0 => self.random.usize(58..70),
            1 => self.random.usize(118..134),
            _ => self.random.usize(1_000..50_000),
        };
        if self.random.bool() {
            [b"[".repeat(levels), b"]".repeat(levels)].concat()
        } else {
            [b"{\"a\":".repeat(levels), b"1".to_vec(), b"}".repeat(levels)].concat()
        }
    }

    /// Raw values in raw values.
    fn layers(&mut self) -> Vec<u8> {
        let mut text = String::from_utf8_lossy(&self.deep()).into_owned();
        for _ in 0..self.random.usize(1..4) {
            text = serde_json::json!({ "$serde_json::private::RawValue": text }).to_string();
        }
        text.into_bytes()
    }
}
