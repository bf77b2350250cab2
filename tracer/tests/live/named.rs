//! Who listens: the process and the name of its namespace in the drop's line, and that an end is noticed.

use std::{
    fs,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use nix::mount::{MsFlags, mount, umount};

use super::{
    cases::Lacking,
    event::Event,
    family::Family,
    filters::Filter,
    ground::{Ground, Place},
    lab::Lab,
    peer::PORT,
    syn::Syn,
    watcher::{Watcher, killed},
};

/// All of them.
pub(crate) const NAMED: &[Filter] =
    &[("listener/found-and-ended", found_and_ended), ("listener/two-namespaces", two_namespaces)];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// A namespace's name, as `ip netns` gives one; gone when let go.
struct Name(PathBuf);

impl Name {
    fn give(lab: &Lab, name: &str) -> Result<Self> {
        fs::create_dir_all("/run/netns")?;
        let path = PathBuf::from("/run/netns").join(name);
        fs::write(&path, "").with_context(|| format!("make {}", path.display()))?;
        let named = Self(path);
        mount(Some(&lab.netns.path()), &named.0, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .context("mount the namespace")?;
        Ok(named)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = umount(&self.0);
        let _ = fs::remove_file(&self.0);
    }
}

/// The listener of a TIME_WAIT's port is this process, and then, with the socket closed, nobody.
fn found_and_ended(ground: Ground) -> Result<()> {
    if !ground.must_see(Place::Bucket) {
        return Err(Lacking("TIME_WAIT is not seen here").into());
    }
    let mut lab = Lab::new(Family::V4)?;
    let name = format!("tracer-live-{}-{}", std::process::id(), ground.set.name());
    let _name = Name::give(&lab, &name)?;
    let watcher = Watcher::start(ground.set.name(), &["--netns", &format!("/run/netns/{name}")])?;
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    let old = syn.at(ISN - 1000).stamped(Some(kept - 7));
    let first = refused(&mut lab, &watcher, &old, 1)?;
    ensure!(first.netns_name.as_deref() == Some(&*name), "{:?} and not {name}", first.netns_name);
    let who = first.listener.context("nobody was found")?;
    ensure!(who.pid == std::process::id(), "{} and not {}", who.pid, std::process::id());
    drop(listener);
    // It is looked at once a second.
    thread::sleep(Duration::from_millis(1100));
    let second = refused(&mut lab, &watcher, &old, 2)?;
    ensure!(second.listener.is_none(), "{:?} listens no more", second.listener);
    let ended = watcher.finish()?;
    let listed = ended.summary.by_listener.first().context("no listener in the summary")?;
    ensure!(listed.drops == 2 && listed.listener.is_some(), "{listed:?}");
    Ok(())
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        killed(&mut self.0);
    }
}

/// The same address and port in two namespaces: each drop names its own process and its own namespace.
fn two_namespaces(ground: Ground) -> Result<()> {
    if !ground.must_see(Place::Bucket) {
        return Err(Lacking("TIME_WAIT is not seen here").into());
    }
    let mut labs = [Lab::new(Family::V4)?, Lab::new(Family::V4)?];
    let name = |n: usize| format!("tracer-live-{}-{}-{n}", std::process::id(), ground.set.name());
    let _names = [Name::give(&labs[0], &name(0))?, Name::give(&labs[1], &name(1))?];
    let watcher = Watcher::start(ground.set.name(), &["-p", &PORT.to_string()])?;
    let listeners = [labs[0].listen(16)?, labs[1].listen(16)?];
    let mut old = Vec::new();
    for (lab, listener) in labs.iter_mut().zip(&listeners) {
        let syn = lab.syn(9, 1001, ISN, Some(STAMP));
        let kept = lab.time_wait(listener, &syn)?.last_tsval()?;
        old.push(syn.at(ISN - 1000).stamped(Some(kept - 7)));
    }
    // The second one goes to a process of its own, which alone has it from then on.
    let [_ours, theirs] = listeners;
    let other = Command::new("sleep").arg("600").stdin(OwnedFd::from(theirs)).spawn().map(Process)?;
    let itself = fs::read_to_string("/proc/self/comm")?;
    for (n, (pid, comm)) in
        [(std::process::id(), itself.trim_end()), (other.0.id(), "sleep")].into_iter().enumerate()
    {
        let event = refused(&mut labs[n], &watcher, &old[n], 1)?;
        ensure!(event.netns_name.as_deref() == Some(&*name(n)), "{:?} and not {}", event.netns_name, name(n));
        let who = event.listener.with_context(|| format!("nobody was found for {comm}"))?;
        ensure!((who.pid, &*who.comm) == (pid, comm), "{who:?} and not {comm} ({pid})");
    }
    watcher.finish()?;
    Ok(())
}

/// Sends it and waits for the nth line of it.
fn refused(lab: &mut Lab, watcher: &Watcher, syn: &Syn, nth: usize) -> Result<Event> {
    lab.send(&syn.segment())?;
    for _ in 0..3000 {
        let mut events = watcher.events_of(lab.inode());
        if events.len() >= nth {
            return Ok(events.swap_remove(nth - 1));
        }
        thread::sleep(Duration::from_millis(20));
    }
    anyhow::bail!("no line came")
}
