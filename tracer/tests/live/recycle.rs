//! The incident that `tcp_tw_recycle` makes (before 4.12): clients behind one address, one of them with an older clock.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{
    cases::Lacking,
    family::Family,
    fate::{Fate, judge},
    filters::Filter,
    ground::{Ground, Why::PawsRecycle},
    lab::Lab,
    watcher::Watcher,
};

/// All of them; the setting is the whole machine's, so each runs alone.
pub(crate) const RECYCLE: &[Filter] =
    &[("listen/recycle", recycle), ("listen/recycle-before-the-start", before_the_start)];

const SETTING: &str = "/proc/sys/net/ipv4/tcp_tw_recycle";
const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// The setting, on as long as this lives.
struct On;

impl On {
    fn set() -> Result<Self> {
        if !Path::new(SETTING).exists() {
            return Err(Lacking("tcp_tw_recycle is gone since 4.12").into());
        }
        std::fs::write(SETTING, "1").context(SETTING)?;
        Ok(Self)
    }
}

impl Drop for On {
    fn drop(&mut self) {
        let _ = std::fs::write(SETTING, "0");
    }
}

/// A connection of one client ends, and the address is remembered with its clock: whoever comes from there within a minute
/// with an older one, or with none, is refused without a word.
fn recycle(ground: Ground) -> Result<()> {
    let _on = On::set()?;
    let watcher = Watcher::start(ground.set.name(), &["--cause", "all"])?;
    for family in [Family::V4, Family::V6] {
        let mut lab = Lab::new(family)?;
        let listener = lab.listen(16)?;
        let first = lab.syn(9, 1001, ISN, Some(STAMP));
        let kept = lab.time_wait(&listener, &first)?.last_tsval()?;
        // Another port, so that no bucket is in the way.
        let other = lab.syn(9, 1002, ISN, Some(kept - 5000));
        lab.shoot(&other, Fate::dies_by(PawsRecycle, kept))?;
        lab.shoot(&other, Fate::dies_by(PawsRecycle, kept))?;
        lab.shoot(&lab.syn(9, 1003, ISN, None), Fate::dies_by(PawsRecycle, kept))?;
        // One tick is forgiven.
        lab.shoot(&lab.syn(9, 1004, ISN, Some(kept - 1)), Fate::Accepted)?;
        lab.shoot(&lab.syn(9, 1005, ISN, Some(kept + 5000)), Fate::Accepted)?;
        // Another address.
        lab.shoot(&lab.syn(8, 1006, ISN, Some(kept - 5000)), Fate::Accepted)?;
        judge(&mut lab, &watcher, ground)?;
    }
    Ok(())
}

/// The connection ended before the tracer started: only the kernel's own memory knows its clock.
fn before_the_start(ground: Ground) -> Result<()> {
    let _on = On::set()?;
    for family in [Family::V4, Family::V6] {
        let mut lab = Lab::new(family)?;
        let listener = lab.listen(16)?;
        let first = lab.syn(9, 1001, ISN, Some(STAMP));
        let kept = lab.time_wait(&listener, &first)?.last_tsval()?;
        // Nobody watched.
        lab.shots.clear();
        // It reckons in seconds, and what it learned in the second of the drop may be newer than the drop.
        std::thread::sleep(std::time::Duration::from_secs(2));
        let path = lab.netns.path().display().to_string();
        let watcher = Watcher::start(ground.set.name(), &["--cause", "all", "--netns", &path])?;
        lab.shoot(&lab.syn(9, 1002, ISN, Some(kept - 5000)), Fate::dies_by(PawsRecycle, kept))?;
        lab.shoot(&lab.syn(9, 1003, ISN, None), Fate::dies_by(PawsRecycle, kept))?;
        judge(&mut lab, &watcher, ground)?;
    }
    Ok(())
}
