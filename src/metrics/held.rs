//! Guards: dropping one gives its share of a gauge back, so that no return path can omit it.

use super::kind::Gauge;

/// One of a gauge.
#[derive(Debug)]
pub struct Held(pub(super) &'static Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// A part of a gauge that changes.
#[derive(Debug)]
pub struct Amount {
    gauge: &'static Gauge,
    amount: i64,
}

impl Amount {
    pub(super) const fn new(gauge: &'static Gauge) -> Self {
        Self { gauge, amount: 0 }
    }

    /// It is so much now.
    pub fn set(&mut self, amount: usize) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        if amount != self.amount {
            self.gauge.add(amount - self.amount);
            self.amount = amount;
        }
    }
}

impl Drop for Amount {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_guard_gives_its_share_back() {
        static GAUGE: Gauge = Gauge::new();
        let (one, two) = (GAUGE.hold(), GAUGE.hold());
        let mut bytes = GAUGE.amount();
        bytes.set(10);
        bytes.set(7);
        assert_eq!(GAUGE.get(), 9);
        drop((one, bytes));
        assert_eq!(GAUGE.get(), 1);
        let ended = std::panic::catch_unwind(move || {
            let _held = two;
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(ended.is_err());
        assert_eq!(GAUGE.get(), 0);
    }
}
