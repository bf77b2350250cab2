//! Whether there is a scenario for each cause, each finding and each rule.

use std::{collections::BTreeSet, fmt};

use tracer::{
    analysis::verdict::rules,
    model::{Cause, nat::NatVerdict},
};

use super::table::Table;

/// What scenarios there are.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    tables: usize,
    defects: usize,
    causes: BTreeSet<&'static str>,
    verdicts: BTreeSet<&'static str>,
    rules: BTreeSet<String>,
}

impl Coverage {
    pub(crate) fn add(&mut self, table: &Table) {
        let expect = &table.expect;
        self.tables += 1;
        self.defects += usize::from(table.known_defect.is_some());
        self.rules.insert(expect.rule.clone());
        // As the dominant one.
        if let Some(verdict) = &expect.verdict
            && let Ok(cause) = verdict.cause.parse::<Cause>()
            && expect.by_cause.keys().any(|named| named.0 == cause)
        {
            self.causes.insert(cause.name());
        }
        let found = expect.source.iter().filter_map(|source| Some(source.nat.as_ref()?.verdict.0.name()));
        self.verdicts.extend(found);
    }

    /// What no scenario is about.
    pub(crate) fn missing(&self) -> Vec<String> {
        let causes = Cause::ALL.iter().map(|cause| cause.name());
        let causes = causes.filter(|name| !self.causes.contains(name));
        let verdicts = NatVerdict::ALL.iter().map(|verdict| verdict.name());
        let verdicts = verdicts.filter(|name| !self.verdicts.contains(name));
        let unheard = rules().filter(|name| !self.rules.contains(*name));
        causes
            .map(|name| format!("no scenario in which {name} is the cause"))
            .chain(verdicts.map(|name| format!("no scenario with the finding {name}")))
            .chain(unheard.map(|name| format!("no scenario in which the rule {name} speaks")))
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heard = rules().filter(|name| self.rules.contains(*name)).count();
        write!(
            f,
            "{} tables: {} of {} causes, {} of {} findings, {heard} of {} rules; {} known defects",
            self.tables,
            self.causes.len(),
            Cause::ALL.len(),
            self.verdicts.len(),
            NatVerdict::ALL.len(),
            rules().count(),
            self.defects,
        )
    }
}
