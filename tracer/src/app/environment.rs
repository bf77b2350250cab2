//! Reads what the verdict must know of this machine: settings and address translation of the namespace that drops most. All
//! of it once, at the end of a run; only what is cheap while it goes on.
//!
//! What cannot be read is unknown, and no error: the verdict says less then.

mod child;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::namespaces::{Namespaces, Table};
use crate::{
    analysis::{
        firewall,
        snmp::{CHECKED, Counters},
        verdict::SYSCTLS,
    },
    model::{
        Cause, Drop,
        environment::{Environment, OwnNat},
    },
};

/// More namespaces than this are not told apart.
const MAX: usize = 4096;
/// How long firewall programs may take, all together.
const PATIENCE: Duration = Duration::from_secs(2);

/// What of the drops decides where to look.
#[derive(Debug, Default)]
pub(super) struct Scene {
    drops: Table<u32, u64>,
    /// Some could have to do with address translation.
    ports_used_again: bool,
}

impl Scene {
    /// Adds a drop.
    pub(super) fn add(&mut self, drop: &Drop) {
        if let Some(netns) = drop.netns
            && (self.drops.len() < MAX || self.drops.contains_key(&netns))
        {
            *self.drops.entry(netns).or_default() += 1;
        }
        self.ports_used_again |= drop.cause.is_paws() || drop.cause == Cause::OldSequence;
    }

    /// Where most were dropped; ties by number.
    fn busiest(&self) -> Option<u32> {
        self.drops.iter().max_by_key(|(netns, n)| (**n, **netns)).map(|(netns, _)| *netns)
    }

    /// Reads the machine. `only` is the namespace that was watched alone, or 0; without drops and without it, our own is
    /// read.
    pub(super) fn read(
        &self,
        namespaces: &mut Namespaces,
        only: u32,
        kernel: Option<String>,
        counters: Counters,
    ) -> Environment {
        self.look(namespaces, (only, self.ports_used_again), kernel, counters)
    }

    /// The same without starting any program, which takes long: what that would tell is unknown.
    pub(super) fn glance(
        &self,
        namespaces: &mut Namespaces,
        only: u32,
        kernel: Option<String>,
        counters: Counters,
    ) -> Environment {
        self.look(namespaces, (only, false), kernel, counters)
    }

    fn look(
        &self,
        namespaces: &mut Namespaces,
        (only, look_for_nat): (u32, bool),
        kernel: Option<String>,
        mut counters: Counters,
    ) -> Environment {
        let netns = self.busiest().or((only != 0).then_some(only)).unwrap_or(namespaces.own());
        let read = namespaces.inside(netns, move || {
            let sysctls = sysctls(Path::new("/proc/sys"));
            Ok((sysctls, if look_for_nat { own_nat() } else { None }))
        });
        let (mut sysctls, own_nat) = read.unwrap_or_default();
        if !sysctls.is_empty() {
            add_machine_wide(&mut sysctls, namespaces, netns);
        }
        // The verdict asks for no other, and a summary need not carry hundreds.
        counters.retain(|name, _| CHECKED.contains(&name.as_str()));
        Environment { kernel, sysctls_read: !sysctls.is_empty(), sysctls, own_nat, counters }
    }
}

/// Settings below a folder, in the namespace of the calling thread.
pub(super) fn sysctls(root: &Path) -> BTreeMap<String, String> {
    let read = |name: &str| -> io::Result<String> {
        let path: PathBuf =
            std::iter::once(root.as_os_str()).chain(name.split('.').map(AsRef::as_ref)).collect();
        Ok(fs::read_to_string(path)?.trim().to_owned())
    };
    SYSCTLS.iter().filter_map(|name| Some(((*name).to_owned(), read(name).ok()?))).collect()
}

/// Adds those that hold in every namespace, and show in the machine's first one alone: `tcp_tw_recycle` before 4.11, and some
/// others.
pub(super) fn add_machine_wide(
    settings: &mut BTreeMap<String, String>,
    namespaces: &mut Namespaces,
    netns: u32,
) {
    let Some(first) = Namespaces::first().filter(|first| *first != netns) else { return };
    // One that a namespace has of its own shows there.
    for (name, value) in namespaces.inside(first, || Ok(sysctls(Path::new("/proc/sys")))).unwrap_or_default()
    {
        settings.entry(name).or_insert(value);
    }
}

/// Source address translation in the namespace of the calling thread; `None` where no program could tell.
pub(super) fn own_nat() -> Option<OwnNat> {
    // All of them together: whoever asked for the end of a run waits for it.
    let deadline = Instant::now() + PATIENCE;
    let print = |program, args: &[&str]| child::output(program, args, deadline).ok();
    let iptables = |program| print(program, &[]).map(|text| firewall::iptables(&text));
    let found = if has_nf_tables() {
        let nft = print("nft", &["-j", "list", "ruleset"]).and_then(|text| firewall::nft(&text));
        [nft, iptables("iptables-save"), iptables("ip6tables-save")]
    } else {
        // Those that know nothing of nf_tables.
        [None, iptables("iptables-legacy-save"), iptables("ip6tables-legacy-save")]
    };
    let mut all = found.into_iter().flatten().reduce(|sum, more| OwnNat {
        rules: sum.rules.saturating_add(more.rules),
        random_fully: sum.random_fully.saturating_add(more.random_fully),
        conntrack: false,
    })?;
    let tracked = fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count");
    all.conntrack = tracked.is_ok_and(|n| n.trim() != "0");
    Some(all)
}

/// Whether the kernel has nf_tables by now. Where it has not, the first question to it would load the module: looking must
/// not change the machine.
fn has_nf_tables() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let built_in = Path::new("/lib/modules").join(release.trim()).join("modules.builtin");
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let modules = Path::new("/proc/modules");
    Path::new("/sys/module/nf_tables").exists()
        // A kernel that knows no modules loads none.
        || !modules.exists()
        || is_loaded("nf_tables", &text(modules))
        || is_built_in("nf_tables", &text(&built_in))
}

/// A line of `/proc/modules` begins with the module's name.
fn is_loaded(module: &str, modules: &str) -> bool {
    modules.lines().any(|line| line.split(' ').next() == Some(module))
}

/// A line of `modules.builtin` is a path, `kernel/net/netfilter/nf_tables.ko`.
fn is_built_in(module: &str, built_in: &str) -> bool {
    let mut names = built_in.lines().filter_map(|line| line.trim().rsplit('/').next());
    names.any(|name| name.strip_suffix(".ko") == Some(module))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::any::bare;

    #[test]
    fn the_scene_of_the_drops() {
        let mut scene = Scene::default();
        assert_eq!(scene.busiest(), None);
        for (netns, n) in [(7, 2), (9, 3), (8, 3)] {
            for _ in 0..n {
                scene.add(&Drop { netns: Some(netns), ..bare(Cause::Other) });
            }
        }
        assert_eq!(scene.busiest(), Some(9));
        assert!(!scene.ports_used_again);
        scene.add(&bare(Cause::OldSequence));
        assert!(scene.ports_used_again);
    }

    #[test]
    fn settings_that_are_there() {
        let read = sysctls(Path::new("/proc/sys"));
        // Every kernel that runs this has these two.
        assert!(read.contains_key("net.ipv4.tcp_timestamps") && read.contains_key("net.ipv4.tcp_syncookies"));
        assert!(read.values().all(|value| !value.contains('\n')));
        assert!(sysctls(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn settings_of_the_first_namespace_do_where_there_are_none() {
        let name = "net.ipv4.tcp_timestamps";
        let mut settings: BTreeMap<_, _> = [(name.to_owned(), "its own".to_owned())].into();
        // Of no namespace that there is.
        add_machine_wide(&mut settings, &mut Namespaces::find(None), 0);
        assert_eq!(settings[name], "its own");
        // Who is not root may not ask where process 1 is.
        assert_eq!(settings.contains_key("net.ipv4.tcp_syncookies"), Namespaces::first().is_some());
        let first = Namespaces::first().unwrap_or_default();
        let mut same = BTreeMap::new();
        add_machine_wide(&mut same, &mut Namespaces::find(None), first);
        assert!(same.is_empty() || first == 0);
    }

    #[test]
    fn modules_that_are_there_already() {
        let loaded = "nf_tables_set 45056 0 - Live 0x0\nnf_tables 380928 3 nft_chain_nat,nft_ct, Live 0x0\n";
        assert!(is_loaded("nf_tables", loaded) && !is_loaded("nf", loaded) && !is_loaded("nf_tables", ""));
        assert!(!is_loaded(
            "nf_tables",
            "nf_tables_set 45056 0 - Live 0x0\nnft_ct 1 1 nf_tables, Live 0x0\n"
        ));
        let built_in = "kernel/fs/ext4/ext4.ko\nkernel/net/netfilter/nf_tables.ko\n";
        assert!(is_built_in("nf_tables", built_in) && is_built_in("ext4", built_in));
        assert!(!is_built_in("tables", built_in) && !is_built_in("nf_tables", "kernel/nf_tables.ko.xz"));
    }

    #[test]
    fn a_namespace_that_is_gone_is_unknown() {
        let mut scene = Scene::default();
        scene.add(&Drop { netns: Some(1), ..bare(Cause::PawsTimeWait) });
        let read = scene.read(&mut Namespaces::find(None), 0, Some("6.1".into()), Counters::new());
        assert_eq!(read.kernel.as_deref(), Some("6.1"));
        assert!(!read.sysctls_read && read.sysctls.is_empty() && read.own_nat.is_none());
    }
}
