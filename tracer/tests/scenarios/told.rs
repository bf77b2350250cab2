//! Tables as files: read, played, judged; an error says the file and the line.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;

use super::{
    compare::{Extent, compare},
    hosts::{self, Unplayable},
    order,
    run::Scene,
    table::Table,
};

/// A scenario: what it is called, and what stands in it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// All of them, by name.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub(crate) fn all() -> Result<Vec<Scenario>, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let why = |path: &Path, error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|error| why(&folder, error))? {
        let path = entry.map_err(|error| why(&folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).map_err(|error| why(&path, error))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            found.push(Scenario { name, text });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Scenario {
    fn file(&self) -> String {
        format!("tests/scenarios/{}.toml", self.name)
    }

    fn at(&self, offset: usize, why: &str) -> String {
        let line = self.text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
        format!("{}:{line}: {why}", self.file())
    }

    /// # Errors
    /// With the file, the line and what is wrong there.
    pub(crate) fn table(&self) -> Result<Table, String> {
        toml::from_str(&self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            format!("{}\n{error}", self.at(at, error.message()))
        })
    }

    /// Plays it in every order, as often as it asks for.
    ///
    /// # Errors
    /// With everything that is not as expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        let table = self.table()?;
        let mut wrong = Vec::new();
        let defect = table.known_defect.as_ref();
        let known = |line: &String| {
            defect.is_some_and(|defect| defect.differs.iter().any(|what| line.starts_with(what.as_str())))
        };
        let mut there = false;
        for round in 0..table.seeds.max(1) {
            let seed = seed(&self.name, round);
            let all = hosts::play(&table, seed).map_err(|Unplayable { at, why }| self.at(at, &why))?;
            let scene = Scene::new(&table, all).map_err(|why| format!("{}: {why}", self.file()))?;
            let rng = &mut Rng::with_seed(seed ^ 0x5eed);
            let mut orders = vec![("as it happened", scene.seen.clone(), Extent::All)];
            if table.order_matters.is_none() {
                orders.push((
                    "SYNs that arrived together jumbled",
                    order::jumbled(&scene.seen, rng),
                    Extent::All,
                ));
            }
            orders.push(("shuffled", order::shuffled(&scene.seen, rng), Extent::Counts));
            let strangers = order::among_strangers(&scene.seen, rng);
            if !strangers.is_empty() {
                orders.push(("among other clients", strangers, Extent::Among(order::strangers())));
            }
            for (how, order, extent) in orders {
                let mut differ = compare(&table.expect, &scene.run(&order), extent);
                there |= differ.iter().any(known);
                differ.retain(|line| !known(line));
                if !differ.is_empty() {
                    wrong.push(format!(
                        "{} (seed {round}, {how}):\n    {}",
                        self.file(),
                        differ.join("\n    ")
                    ));
                }
            }
        }
        if !wrong.is_empty() {
            return Err(format!("{}\n{}", table.what, wrong.join("\n")));
        }
        match defect {
            Some(defect) if !there => {
                let why = &defect.why;
                Err(format!("{}: the known defect is gone, take `known_defect` out: {why}", self.file()))
            }
            _ => Ok(()),
        }
    }
}

/// Another number for each scenario and round, the same in every run.
fn seed(name: &str, round: u64) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ round << 56, mix)
}
