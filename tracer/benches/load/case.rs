//! What is done to the server, and where.

use std::{fmt, time::Duration};

use anyhow::Result;

use crate::{
    flood::{Flood, spoofed},
    live::lab::Lab,
    web::Site,
};

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    /// Short connections to a web server.
    Connections,
    /// The same, by the time of the processor that server and clients took: whoever else wants it does not count.
    Work,
    /// A flood of SYNs that are answered by cookies.
    Answered,
    /// A flood to a listener whose accept queue is full.
    QueueFull,
    /// Old timestamps, refused by PAWS in TIME_WAIT: each is a drop to be reported.
    Paws,
}

impl Case {
    /// Those that are done; [`Case::Work`] comes with the first.
    pub(crate) const DONE: [Self; 4] = [Self::Connections, Self::Answered, Self::QueueFull, Self::Paws];
    pub(crate) const ALL: [Self; 5] =
        [Self::Connections, Self::Work, Self::Answered, Self::QueueFull, Self::Paws];

    /// What the tracer may cost at most, as a share of the rate.
    pub(crate) fn bound(self, noise: f64) -> Option<f64> {
        match self {
            Self::Connections | Self::Work => Some(noise.max(0.01)),
            Self::Answered => Some(0.03 + noise),
            Self::QueueFull | Self::Paws => None,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connections => "nginx, short connections",
            Self::Work => "  of server and clients",
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
    seconds: u32,
}

impl Stage {
    pub(crate) fn set(nginx: &str, seconds: u32) -> Result<Self> {
        Ok(Self { site: Site::open(nginx)?, spoofed: spoofed(), seconds })
    }

    /// How long a measurement takes.
    pub(crate) fn time(&self, case: Case) -> Duration {
        let time = Duration::from_secs(self.seconds.into());
        if case == Case::Connections { time } else { time / 10 }
    }

    /// Everything in place but the load. `None`: it cannot be had here.
    pub(crate) fn scene(&self, case: Case) -> Result<Option<Scene<'_>>> {
        Ok(match case {
            Case::Connections | Case::Work => self.site.as_ref().map(Scene::Site),
            _ => {
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
    Site(&'a Site),
    Flood(Box<Flood<'a>>),
}

impl Scene<'_> {
    /// The server's side.
    pub(crate) fn server(&self) -> &Lab {
        match self {
            Self::Site(site) => &site.server,
            Self::Flood(flood) => &flood.lab,
        }
    }

    /// Lets it happen for so long.
    pub(crate) fn run(&mut self, time: Duration) -> Result<Rates> {
        match self {
            Self::Site(site) => site.run(time),
            Self::Flood(flood) => flood.run(time),
        }
    }
}
