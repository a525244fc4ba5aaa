//! Metrics with one label: a fixed array, one place a value. Finding it is an index.

use std::marker::PhantomData;

use super::kind::{Counter, Gauge, Histogram};
use super::label::{Label, MAX_VALUES};

/// Metrics of one name, one for each value of a label.
#[derive(Debug)]
pub struct Family<L, M> {
    each: [M; MAX_VALUES],
    label: PhantomData<fn(L)>,
}

/// Counters by a label.
pub type CounterBy<L> = Family<L, Counter>;
/// Gauges by a label.
pub type GaugeBy<L> = Family<L, Gauge>;
/// Histograms by a label.
pub type HistogramBy<L> = Family<L, Histogram>;

impl<L> CounterBy<L> {
    pub(super) const fn new() -> Self {
        Self { each: [const { Counter::new() }; MAX_VALUES], label: PhantomData }
    }
}

impl<L> GaugeBy<L> {
    pub(super) const fn new() -> Self {
        Self { each: [const { Gauge::new() }; MAX_VALUES], label: PhantomData }
    }
}

impl<L> HistogramBy<L> {
    pub(super) const fn new() -> Self {
        Self { each: [const { Histogram::new() }; MAX_VALUES], label: PhantomData }
    }
}

impl<L: Label, M> Family<L, M> {
    /// That of one value.
    pub fn of(&'static self, label: L) -> &'static M {
        &self.each[label.index()]
    }

    /// Each value with its metric.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, &M)> {
        L::VALUES.iter().copied().zip(&self.each)
    }
}
