//! A page of a list. It costs about as much as it shows: entries are found by the smallest set that holds all that are wanted, and the rest
//! of the query is asked of each. Rare entries end a page early; its `next` goes on.

use std::collections::BTreeMap;

use super::listed::{Listed, set};
use super::position::{self, Invalid};
use super::query::{Query, Streams, Visibility, is_seen};
use crate::limits;
use crate::store::index::{Direction, Family, Index, Page, Place, Row};
use crate::{json, store};

/// Why there is no page.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The cursor is none of this list.
    #[error(transparent)]
    Cursor(#[from] Invalid),
    /// The limit is out of range.
    #[error("is {0}, from 1 to {max} is allowed", max = limits::LIST_ENTRIES)]
    Limit(usize),
    /// There is no such status.
    #[error("there is no status {found:?}; there are {known}")]
    Status {
        /// The status of the query.
        found: String,
        /// Those that there are.
        known: String,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    /// The entries, in order.
    pub entries: Vec<T>,
    /// Where the next page begins; `None`: nothing is left.
    pub next: Option<String>,
    /// How many there are by status; `None`: nobody asked.
    pub counts: Option<Counts>,
}

/// How many entries there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// By status, those with some.
    pub by_status: BTreeMap<String, u64>,
    /// Whether these are all; else at least so many.
    pub is_exact: bool,
}

/// Sets that hold all that are wanted.
#[derive(Debug, Clone)]
struct Driver {
    sets: Vec<String>,
    /// Every entry of the sets with a wanted status matches the query: only permission has to be asked.
    is_query: bool,
    /// All that is in the sets may be seen.
    is_seen: bool,
}

/// A look at one list.
pub(super) struct Look<'a> {
    pub(super) index: &'a dyn Index,
    pub(super) query: &'a Query,
    pub(super) visibility: &'a dyn Visibility,
}

impl Look<'_> {
    pub(super) async fn list<T: Listed>(&self) -> Result<Listing<T::Shown>, Error> {
        self.check::<T>()?;
        let direction = self.query.direction();
        let behind = match &self.query.cursor {
            Some(cursor) => Some(position::decode(T::FAMILY, direction, cursor)?),
            None => self.beginning(),
        };
        let Some(driver) = self.driver::<T>(true).await? else {
            let counts = self.query.counts.then(|| Counts { is_exact: true, ..Counts::default() });
            return Ok(Listing { entries: Vec::new(), next: None, counts });
        };
        let (entries, next) = self.find::<T>(&driver, behind).await?;
        let counts = if self.query.counts { Some(self.count::<T>().await?) } else { None };
        let next = next.map(|place| position::encode(T::FAMILY, direction, &place));
        Ok(Listing { entries: entries.into_iter().map(T::shown).collect(), next, counts })
    }

    fn check<T: Listed>(&self) -> Result<(), Error> {
        if !(1..=limits::LIST_ENTRIES).contains(&self.query.limit) {
            return Err(Error::Limit(self.query.limit));
        }
        let unknown = self.query.statuses.iter().find(|status| !T::STATUSES.contains(&status.as_str()));
        unknown.map_or(Ok(()), |found| {
            Err(Error::Status { found: found.clone(), known: T::STATUSES.join(", ") })
        })
    }

    /// Where the time that is wanted begins.
    fn beginning(&self) -> Option<Place> {
        match self.query.direction() {
            Direction::Newest => self.query.before.map(|time| Place { at: time.micros(), id: String::new() }),
            // Before the first id of that time.
            Direction::Oldest => self
                .query
                .after
                .map(|time| Place { at: time.micros().saturating_sub(1), id: "\u{10ffff}".into() }),
        }
    }

    /// Whether nothing that is wanted stands behind an entry of this time.
    fn is_past(&self, at: i64) -> bool {
        match self.query.direction() {
            Direction::Newest => self.query.after.is_some_and(|time| at < time.micros()),
            Direction::Oldest => self.query.before.is_some_and(|time| at >= time.micros()),
        }
    }

    /// Entries from a place on, as many as are wanted; and behind which place there may be more.
    async fn find<T: Listed>(
        &self,
        driver: &Driver,
        mut behind: Option<Place>,
    ) -> Result<(Vec<T>, Option<Place>), Error> {
        let needle = self.query.needle();
        let mut found: Vec<T> = Vec::new();
        let mut last = None;
        let mut scanned = 0;
        loop {
            let more = self.query.limit + 1 - found.len();
            let limit =
                if driver.is_query && driver.is_seen { more } else { more.max(limits::LIST_SCAN_PAGE) };
            let rows = self.rows::<T>(&driver.sets, behind.take(), limit).await?;
            let is_end = rows.len() < limit;
            for Row { place, document } in rows {
                scanned += 1;
                if self.is_past(place.at) {
                    return Ok((found, None));
                }
                if let Some(entry) = self.wanted::<T>(&document, needle.as_deref()) {
                    if found.len() == self.query.limit {
                        return Ok((found, last));
                    }
                    found.push(entry);
                    last = Some(place.clone());
                }
                behind = Some(place);
            }
            if is_end {
                return Ok((found, None));
            }
            if scanned >= limits::LIST_SCAN {
                return Ok((found, behind));
            }
        }
    }

    async fn rows<T: Listed>(
        &self,
        sets: &[String],
        behind: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let (family, direction) = (T::FAMILY, self.query.direction());
        let page = Page { family, sets: sets.to_vec(), direction, behind, limit };
        Ok(self.index.page(&page).await?)
    }

    fn wanted<T: Listed>(&self, document: &[u8], needle: Option<&str>) -> Option<T> {
        let entry: T = json::from_slice(document).ok()?;
        let facets = entry.facets();
        let is_wanted = self.query.wants_status(facets.status)
            && self.query.wants(&entry, &facets, needle)
            && is_seen(self.visibility, &facets);
        is_wanted.then_some(entry)
    }

    /// The sets to look through: of those that hold all that are wanted the smallest. `None`: there is nothing.
    async fn driver<T: Listed>(&self, by_status: bool) -> Result<Option<Driver>, Error> {
        let Some(candidates) = self.candidates::<T>(by_status).await? else { return Ok(None) };
        let all: Vec<String> = candidates.iter().flat_map(|driver| driver.sets.iter().cloned()).collect();
        let mut counts = self.index.counts(T::FAMILY, &all).await?.into_iter();
        let sized = candidates.into_iter().map(|driver| {
            let size: u64 = counts.by_ref().take(driver.sets.len()).sum();
            (size, driver)
        });
        Ok(sized.min_by_key(|(size, _)| *size).map(|(_, driver)| driver))
    }

    async fn candidates<T: Listed>(&self, by_status: bool) -> Result<Option<Vec<Driver>>, Error> {
        let query = self.query;
        let statuses: Vec<&str> =
            T::STATUSES.iter().copied().filter(|status| !by_status || query.wants_status(status)).collect();
        let parts = self.parts::<T>();
        let others = usize::from(query.text.is_some())
            + usize::from(query.after.is_some())
            + usize::from(query.before.is_some());
        let is_query = |own: usize| parts.len() + others + self.split_parts() == own;
        let is_seen = self.visibility.streams().is_none() && self.visibility.sees(EVERYTHING);
        let mut candidates: Vec<Driver> =
            parts.iter().map(|set| Driver { sets: vec![set.clone()], is_query: false, is_seen }).collect();
        if let Some(name) = &query.definition {
            let sets = statuses.iter().map(|status| set::definition(name, status)).collect();
            candidates.push(Driver { sets, is_query: is_query(1), is_seen });
        }
        if let Some(stream) = &query.stream {
            let sets = statuses.iter().map(|status| set::stream(stream, status)).collect();
            let is_seen = is_seen || self.sees_all_of(stream);
            candidates.push(Driver { sets, is_query: is_query(1), is_seen });
        }
        match self.visibility.streams() {
            None => {
                let sets = statuses.iter().map(|status| set::status(status)).collect();
                candidates.push(Driver { sets, is_query: is_query(0), is_seen });
            }
            Some(streams) => match self.named::<T>(&streams).await? {
                Some(named) if named.is_empty() => return Ok(None),
                Some(named) => {
                    let is_seen = streams.iter().all(|streams| streams.is_whole);
                    let of = |stream: &String| {
                        statuses.iter().map(|status| set::stream(stream, status)).collect::<Vec<_>>()
                    };
                    let sets = named.iter().flat_map(of).collect();
                    candidates.push(Driver { sets, is_query: is_query(0), is_seen });
                }
                // Too many to look through one by one.
                None => {
                    let sets = statuses.iter().map(|status| set::status(status)).collect();
                    candidates.push(Driver { sets, is_query: is_query(0), is_seen: false });
                }
            },
        }
        Ok(Some(candidates))
    }

    /// Parts of the query that have sets which are not apart by status.
    fn parts<T: Listed>(&self) -> Vec<String> {
        let query = self.query;
        let has_executions = matches!(T::FAMILY, Family::Approvals | Family::Questions);
        let mut parts = Vec::new();
        parts.extend(query.session.as_deref().map(set::session));
        parts.extend(query.execution.as_deref().filter(|_| has_executions).map(set::execution));
        parts.extend(query.parent.as_deref().map(set::parent));
        parts.extend(query.root.as_deref().map(set::root));
        parts.extend(query.correlation.as_deref().map(set::correlation));
        parts.extend(query.labels.iter().map(|label| set::label(&label.key, &label.value)));
        parts
    }

    /// Parts of the query that have sets apart by status.
    fn split_parts(&self) -> usize {
        usize::from(self.query.definition.is_some()) + usize::from(self.query.stream.is_some())
    }

    fn sees_all_of(&self, stream: &str) -> bool {
        self.visibility.sees(super::Seen { stream: Some(stream), node: None, execution: None })
    }

    /// The streams that somebody may see something of and that there are; `None`: more than a page can look through.
    async fn named<T: Listed>(&self, streams: &[Streams]) -> Result<Option<Vec<String>>, Error> {
        let mut named = std::collections::BTreeSet::new();
        for Streams { name, is_beginning, .. } in streams {
            if !is_beginning {
                named.insert(name.clone());
                continue;
            }
            let begins = format!("{}{name}", set::STREAM);
            let mut after = None;
            while named.len() <= limits::LIST_STREAMS {
                let found = self.index.names(T::FAMILY, &begins, after.as_deref(), 1).await?;
                let Some(stream) = found.first().and_then(|(name, _)| set::stream_of(name)) else { break };
                after = Some(set::behind_stream(stream));
                named.insert(stream.to_owned());
            }
        }
        Ok((named.len() <= limits::LIST_STREAMS).then(|| named.into_iter().collect()))
    }

    /// How many there are by status.
    async fn count<T: Listed>(&self) -> Result<Counts, Error> {
        let Some(driver) = self.driver::<T>(false).await? else {
            return Ok(Counts { is_exact: true, ..Counts::default() });
        };
        // A session may be of several streams: then it is in several sets, and in sets of streams that its reader may not see all of.
        let sees_all = self.visibility.streams().is_none() && self.visibility.sees(EVERYTHING);
        let is_apart = T::FAMILY != Family::Sessions || (sees_all && driver.sets.len() <= T::STATUSES.len());
        if driver.is_query && driver.is_seen && is_apart {
            return self.count_sets::<T>(&driver).await;
        }
        self.count_rows::<T>(&driver).await
    }

    async fn count_sets<T: Listed>(&self, driver: &Driver) -> Result<Counts, Error> {
        let counts = self.index.counts(T::FAMILY, &driver.sets).await?;
        let mut by_status = BTreeMap::new();
        // The sets of each stream, in the order of the statuses.
        for (status, count) in T::STATUSES.iter().cycle().zip(counts).filter(|(_, count)| *count > 0) {
            *by_status.entry((*status).to_owned()).or_default() += count;
        }
        Ok(Counts { by_status, is_exact: true })
    }

    async fn count_rows<T: Listed>(&self, driver: &Driver) -> Result<Counts, Error> {
        let needle = self.query.needle();
        let mut counts = Counts::default();
        let (mut behind, mut scanned) = (self.beginning(), 0);
        while scanned < limits::LIST_SCAN {
            let limit = limits::LIST_SCAN_PAGE;
            let rows = self.rows::<T>(&driver.sets, behind.take(), limit).await?;
            let is_end = rows.len() < limit || rows.last().is_some_and(|row| self.is_past(row.place.at));
            scanned += rows.len();
            behind = rows.last().map(|row| row.place.clone());
            for row in rows {
                let Ok(entry) = json::from_slice::<T>(&row.document) else { continue };
                let facets = entry.facets();
                if self.query.wants(&entry, &facets, needle.as_deref()) && is_seen(self.visibility, &facets) {
                    *counts.by_status.entry(facets.status.to_owned()).or_default() += 1;
                }
            }
            if is_end {
                counts.is_exact = true;
                break;
            }
        }
        Ok(counts)
    }
}

const EVERYTHING: super::Seen<'static> = super::Seen { stream: None, node: None, execution: None };

/// Entries by id, as they are now: those that may be seen.
pub(super) async fn by_id<T: Listed>(
    index: &dyn Index,
    visibility: &dyn Visibility,
    ids: &[String],
) -> Result<Vec<Option<T::Shown>>, store::Error> {
    let documents = index.documents(T::FAMILY, ids).await?;
    let seen = |document: &[u8]| {
        let entry: T = json::from_slice(document).ok()?;
        let may = is_seen(visibility, &entry.facets());
        may.then(|| entry.shown())
    };
    Ok(documents.into_iter().map(|document| document.and_then(|document| seen(&document))).collect())
}
