//! Who lost how many SYNs: a row for each process and port.

use super::super::{
    phrases::{clean, process},
    text::{Ink, Style, place},
};
use crate::model::{listener::Served, report::Summary};

/// Rows at most.
const ROWS: usize = 10;

impl Style {
    pub(super) fn listeners(&self, summary: &Summary) -> Vec<String> {
        let (rows, more) = rows(summary);
        if rows.is_empty() {
            return Vec::new();
        }
        let head = format!("{:>8}  {:<5}  {:<18}  WHERE", "DROPS", "PORT", "PROCESS");
        let mut lines = vec![String::new(), self.ink(Ink::Bold, "Listeners:"), self.ink(Ink::Dim, &head)];
        for (drops, served) in rows {
            let name = served.listener.as_deref().map_or("?".into(), process);
            let lead = format!("{drops:>8}  {:<5}  {name:<18}  ", served.dport);
            let indent = if self.width >= 72 { 37 } else { 4 };
            lines.extend(self.fold_under(indent, &lead, &whereabouts(served)));
        }
        if more > 0 {
            lines.push(format!("{more:>8}  (at other listeners)"));
        }
        lines
    }
}

/// Drops by listener, most first, and those of all others. Of a run that could not look, ports alone would say nothing new.
pub(in crate::render) fn rows(summary: &Summary) -> (Vec<(u64, &Served)>, u64) {
    let mut rows: Vec<(u64, &Served)> = Vec::new();
    if summary.served.iter().all(|served| served.listener.is_none()) {
        return (rows, 0);
    }
    for served in &summary.served {
        // One that listens on every address has a row for each that was asked.
        let same = |row: &&mut (u64, &Served)| {
            let (_, row) = row;
            (row.netns, row.dport, &row.listener) == (served.netns, served.dport, &served.listener)
        };
        match rows.iter_mut().find(same) {
            Some((drops, _)) => *drops = drops.saturating_add(served.drops),
            None => rows.push((served.drops, served)),
        }
    }
    rows.sort_by_key(|(drops, _)| std::cmp::Reverse(*drops));
    let more = rows.iter().skip(ROWS).fold(summary.served_other, |sum, (n, _)| sum.saturating_add(*n));
    rows.truncate(ROWS);
    (rows, more)
}

/// Where a listener runs.
pub(in crate::render) fn whereabouts(served: &Served) -> String {
    let netns = match (&served.netns_name, served.netns) {
        (Some(name), _) => Some(format!("netns {}", clean(name))),
        (None, Some(inode)) => Some(format!("netns {inode}")),
        (None, None) => None,
    };
    let place = served.listener.as_deref().map(place).filter(|place| !place.is_empty());
    // Of nobody the address is all there is.
    let address = served.listener.is_none().then(|| format!("to {}", served.dst));
    [address, place, netns].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
