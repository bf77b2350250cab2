//! Slots of a table in several orders, each slot in at most one of them: who came first is at the front.
//!
//! Knows nothing of what a slot holds. Every step takes the same time, however many there are.

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u32,
    last: u32,
    len: usize,
}

/// `N` orders over one set of slots.
#[derive(Clone, Debug)]
pub(super) struct Orders<const N: usize> {
    links: Vec<Link>,
    ends: [Ends; N],
}

/// Bytes that a slot costs here.
#[cfg(test)]
pub(super) const LINK_BYTES: usize = size_of::<Link>();

impl<const N: usize> Orders<N> {
    pub(super) fn new() -> Self {
        Self { links: Vec::new(), ends: [Ends { first: NONE, last: NONE, len: 0 }; N] }
    }

    /// Puts a slot that is in no order at the back of one.
    pub(super) fn push(&mut self, order: usize, slot: u32) {
        let at = slot as usize;
        if self.links.len() <= at {
            self.links.resize(at + 1, Link { before: NONE, after: NONE });
        }
        let ends = &mut self.ends[order];
        self.links[at] = Link { before: ends.last, after: NONE };
        match self.links.get_mut(ends.last as usize) {
            Some(link) => link.after = slot,
            None => ends.first = slot,
        }
        ends.last = slot;
        ends.len += 1;
    }

    /// Takes a slot out of the order that it is in.
    pub(super) fn remove(&mut self, order: usize, slot: u32) {
        let link = self.links[slot as usize];
        let ends = &mut self.ends[order];
        match self.links.get_mut(link.before as usize) {
            Some(before) => before.after = link.after,
            None => ends.first = link.after,
        }
        match self.links.get_mut(link.after as usize) {
            Some(after) => after.before = link.before,
            None => ends.last = link.before,
        }
        ends.len -= 1;
    }

    /// From wherever it is in its order to the back.
    pub(super) fn renew(&mut self, order: usize, slot: u32) {
        if self.ends[order].last != slot {
            self.remove(order, slot);
            self.push(order, slot);
        }
    }

    /// The front.
    pub(super) fn first(&self, order: usize) -> Option<u32> {
        let first = self.ends[order].first;
        (first != NONE).then_some(first)
    }

    pub(super) fn len(&self, order: usize) -> usize {
        self.ends[order].len
    }
}

#[cfg(test)]
mod tests;
