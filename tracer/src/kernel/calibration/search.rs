//! Finds fields by the values that must stand in them. Pure: memory and what is known of it in, offsets out.
//!
//! A field is where all of the first samples have what they must, if that is one place and no other, and if the second samples,
//! of other connections, have it there, too. Otherwise it is not found: as long as what is known is true, the right place is
//! among those that are left, so that nothing else can be alone there.

use std::{collections::BTreeSet, ops::RangeInclusive};

/// What must stand at an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// These bytes: chosen at random, or the address of an object of ours.
    Rare(Vec<u8>),
    /// A number of so many bytes, as this machine writes it, of which the bits of the mask are in one of the ranges.
    Number {
        /// Bytes: 1, 2, 4 or 8.
        bytes: usize,
        /// Which bits count.
        mask: u64,
        /// What they may be.
        any_of: Vec<RangeInclusive<u64>>,
    },
}

impl Want {
    /// A plain number.
    pub fn number(bytes: usize, value: u64) -> Self {
        Self::Number { bytes, mask: u64::MAX, any_of: vec![value..=value] }
    }

    /// Bytes that it takes.
    fn len(&self) -> usize {
        match self {
            Self::Rare(bytes) => bytes.len(),
            Self::Number { bytes, .. } => *bytes,
        }
    }

    /// Fields stand at multiples of their size; addresses of IPv6 are words of four bytes.
    fn alignment(&self) -> usize {
        if self.len() > 8 { 4 } else { self.len().max(1) }
    }

    /// Whether it stands at the start of these bytes.
    fn is_at(&self, memory: &[u8]) -> bool {
        match self {
            Self::Rare(bytes) => memory.starts_with(bytes),
            Self::Number { bytes, mask, any_of } => number(memory, *bytes)
                .is_some_and(|value| any_of.iter().any(|range| range.contains(&(value & mask)))),
        }
    }
}

/// The number at the start of these bytes.
pub fn number(memory: &[u8], bytes: usize) -> Option<u64> {
    let mut word = [0; 8];
    let from = memory.get(..bytes)?;
    if cfg!(target_endian = "big") {
        word.get_mut(8 - bytes..)?.copy_from_slice(from);
    } else {
        word.get_mut(..bytes)?.copy_from_slice(from);
    }
    Some(u64::from_ne_bytes(word))
}

/// Memory from the start of a structure on, and what must stand in it. `F` names fields.
#[derive(Clone, Debug)]
pub struct Sample<F> {
    /// As far as it could be read.
    pub memory: Vec<u8>,
    /// Fields, and what they must be.
    pub wants: Vec<(F, Want)>,
}

/// Where a field is; `None` where that is not certain.
pub fn find<F: PartialEq>(first: &[Sample<F>], second: &[Sample<F>], field: &F) -> Option<u32> {
    let of = |samples| -> Vec<(&[u8], &Want)> { wanted(samples, field).collect() };
    let (first, second) = (of(first), of(second));
    let (_, example) = first.first()?;
    if second.is_empty() {
        return None;
    }
    let longest = first.iter().map(|(memory, _)| memory.len()).min()?;
    let there = |all: &[(&[u8], &Want)], at: usize| {
        all.iter().all(|(memory, want)| memory.get(at..).is_some_and(|memory| want.is_at(memory)))
    };
    let mut left = (0..longest).step_by(example.alignment()).filter(|at| there(&first, *at));
    let (at, other) = (left.next()?, left.next());
    (other.is_none() && there(&second, at)).then(|| u32::try_from(at).ok())?
}

fn wanted<'a, F: PartialEq>(
    samples: &'a [Sample<F>],
    field: &'a F,
) -> impl Iterator<Item = (&'a [u8], &'a Want)> {
    let of_sample = move |sample: &'a Sample<F>| {
        let wants = sample.wants.iter().filter(move |(name, _)| name == field);
        wants.map(|(_, want)| (sample.memory.as_slice(), want))
    };
    samples.iter().flat_map(of_sample)
}

/// Memory of a structure, and what is at the addresses that stand in it.
#[derive(Clone, Debug)]
pub struct Pointing {
    /// The structure.
    pub memory: Vec<u8>,
    /// Offset of an address in it, and the memory there.
    pub targets: Vec<(u32, Vec<u8>)>,
    /// What must stand in one of them.
    pub want: Want,
}

/// Two offsets: of an address in a structure, and a second one.
type Pair = (u32, u32);

/// Where a structure has an address, and at which offset from there what is wanted stands.
pub fn find_pointer(first: &[Pointing], second: &[Pointing]) -> Option<Pair> {
    only_pair(first, second, |sample, target, found| {
        let places = (0..target.len()).step_by(sample.want.alignment());
        found.extend(places.filter(|at| sample.want.is_at(&target[*at..])));
    })
}

/// Where a structure has an address, and where in the same structure the 16-bit number stands that leads from there to what is
/// wanted.
pub fn find_base_and_step(first: &[Pointing], second: &[Pointing]) -> Option<Pair> {
    only_pair(first, second, |sample, target, found| {
        let leads = |at: &usize| {
            let step = number(&sample.memory[*at..], 2).and_then(|step| usize::try_from(step).ok());
            step.and_then(|step| target.get(step..)).is_some_and(|there| sample.want.is_at(there))
        };
        found.extend((0..sample.memory.len()).step_by(2).filter(leads));
    })
}

/// The one pair that all samples have in common, the second ones, too.
fn only_pair(
    first: &[Pointing],
    second: &[Pointing],
    seconds: impl Fn(&Pointing, &[u8], &mut Vec<usize>),
) -> Option<Pair> {
    let pairs = |sample: &Pointing| -> BTreeSet<Pair> {
        let mut pairs = BTreeSet::new();
        for (at, target) in &sample.targets {
            let mut found = Vec::new();
            seconds(sample, target, &mut found);
            pairs.extend(found.into_iter().filter_map(|second| Some((*at, u32::try_from(second).ok()?))));
        }
        pairs
    };
    let all = |samples: &[Pointing]| samples.iter().map(pairs).reduce(|a, b| &a & &b);
    let left = all(first)?;
    let &[pair] = left.iter().copied().collect::<Vec<_>>().as_slice() else { return None };
    all(second)?.contains(&pair).then_some(pair)
}

/// How far ticks of one moment may be apart: what is done between them takes milliseconds.
const MOMENT: u32 = 32;

/// The kernel's ticks at a moment when two structures noted them, each in a word that was 0 before: the only number that both
/// have in common. `None` where there is no such number, or more than one.
pub fn ticks(one: [&[u8]; 2], other: [&[u8]; 2]) -> Option<RangeInclusive<u64>> {
    let (one, other) = (set_since(one), set_since(other));
    let close = |a: u32, b: u32| a.wrapping_sub(b).min(b.wrapping_sub(a)) <= MOMENT;
    let near = |a: &u32| other.iter().any(|b| close(*a, *b));
    // Small numbers count something.
    let found: Vec<u32> = one.iter().copied().filter(|a| !close(*a, 0) && near(a)).collect();
    let &[ticks] = found.as_slice() else { return None };
    Some(u64::from(ticks.saturating_sub(MOMENT))..=u64::from(ticks.saturating_add(MOMENT)))
}

/// Words that were 0, and what they are now.
fn set_since([before, after]: [&[u8]; 2]) -> Vec<u32> {
    let words = before.chunks_exact(4).zip(after.chunks_exact(4));
    let word = |bytes: &[u8]| number(bytes, 4).and_then(|word| u32::try_from(word).ok());
    words
        .filter(|(before, _)| before.iter().all(|byte| *byte == 0))
        .filter_map(|(_, after)| word(after).filter(|word| *word != 0))
        .collect()
}

#[cfg(test)]
mod tests;
