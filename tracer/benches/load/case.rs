//! What is done to the server, and where.

use std::{fmt, time::Duration};

use anyhow::Result;

use crate::{
    flood::{Flood, spoofed},
    live::lab::Lab,
    web::Site,
};

/// How long a measurement of a flood takes, and one of programs that are switched on and off, without and with what it takes
/// until caches are warm again.
const FLOOD: Duration = Duration::from_millis(200);
const SWITCHED: Duration = Duration::from_millis(100);
const SWITCHED_SETTLES: Duration = Duration::from_millis(20);
const SETTLES: Duration = Duration::from_secs(1);
/// Rounds of the latter for one of the others: what is looked for is much less than what a load differs by from one second to
/// the next.
const SWITCHED_ROUNDS: usize = 30;

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    /// Short connections to a web server.
    Connections,
    /// The same with a watcher's programs alone, which are switched on and off.
    Switched,
    /// A flood of SYNs that are answered by cookies.
    Answered,
    /// A flood to a listener whose accept queue is full.
    QueueFull,
    /// Old timestamps, refused by PAWS in TIME_WAIT: each is a drop to be reported.
    Paws,
}

/// What a rate is reckoned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// The time that passed.
    Time,
    /// The time of the processor that server and clients took: whoever else wants it does not count.
    Work,
}

impl Case {
    pub(crate) const ALL: [Self; 5] =
        [Self::Connections, Self::Switched, Self::Answered, Self::QueueFull, Self::Paws];

    /// What `--case` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connections => "web",
            Self::Switched => "switched",
            Self::Answered => "cookies",
            Self::QueueFull => "queue",
            Self::Paws => "paws",
        }
    }

    /// How many rounds, where so many were wished for.
    pub(crate) fn rounds(self, wished: usize) -> usize {
        if self == Self::Switched { wished * SWITCHED_ROUNDS } else { wished }
    }

    /// What the tracer may cost at most, as a share of the rate.
    pub(crate) fn bound(self, noise: f64) -> f64 {
        match self {
            Self::Connections | Self::Switched => noise.max(0.01),
            Self::Answered | Self::QueueFull | Self::Paws => 0.03 + noise,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connections => "nginx, short connections",
            Self::Switched => "nginx, programs on and off",
            Self::Answered => "flood, SYN cookies",
            Self::QueueFull => "flood, accept queue full",
            Self::Paws => "flood, PAWS refuses",
        })
    }
}

/// What is the same for all measurements.
pub(crate) struct Stage {
    site: Option<Site>,
    spoofed: Vec<Vec<u8>>,
    connections: Duration,
}

impl Stage {
    pub(crate) fn set(nginx: &str, connections: Duration) -> Result<Self> {
        Ok(Self { site: Site::open(nginx)?, spoofed: spoofed(), connections })
    }

    /// How long a measurement takes.
    pub(crate) fn time(&self, case: Case) -> Duration {
        match case {
            Case::Connections => self.connections,
            Case::Switched => SWITCHED,
            Case::Answered | Case::QueueFull | Case::Paws => FLOOD,
        }
    }

    /// Everything in place but the load. `None`: it cannot be had here.
    pub(crate) fn scene(&self, case: Case) -> Result<Option<Scene<'_>>> {
        let settles = if case == Case::Switched { SWITCHED_SETTLES } else { SETTLES };
        Ok(match case {
            Case::Connections | Case::Switched => self.site.as_ref().map(|site| Scene::Site(site, settles)),
            Case::Answered | Case::QueueFull | Case::Paws => {
                self.site.iter().for_each(Site::rest);
                Some(Scene::Flood(Box::new(Flood::prepare(case, &self.spoofed)?)))
            }
        })
    }
}

/// What came of it.
pub(crate) struct Rates {
    /// Connections per second; SYNs per second of the processor that takes them.
    pub(crate) rate: f64,
    /// Connections per second of the time that server and clients took.
    pub(crate) work: Option<f64>,
    /// How long it took in all.
    pub(crate) took: Duration,
}

/// Where it happens.
pub(crate) enum Scene<'a> {
    /// And how long it takes until it is as it was before a watcher came.
    Site(&'a Site, Duration),
    Flood(Box<Flood<'a>>),
}

impl Scene<'_> {
    /// The server's side.
    pub(crate) fn server(&self) -> &Lab {
        match self {
            Self::Site(site, _) => &site.server,
            Self::Flood(flood) => &flood.lab,
        }
    }

    /// Lets it happen for so long.
    pub(crate) fn run(&mut self, time: Duration) -> Result<Rates> {
        match self {
            Self::Site(site, settles) => site.run(*settles, time),
            Self::Flood(flood) => flood.run(time),
        }
    }
}
