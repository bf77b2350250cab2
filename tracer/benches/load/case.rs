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
    /// A flood of SYNs that are answered by cookies.
    Answered,
    /// A flood to a listener whose accept queue is full.
    QueueFull,
    /// Old timestamps, refused by PAWS in TIME_WAIT: each is a drop to be reported.
    Paws,
}

impl Case {
    pub(crate) const ALL: [Self; 4] = [Self::Connections, Self::Answered, Self::QueueFull, Self::Paws];

    /// What the tracer may cost at most, as a share of the rate.
    pub(crate) fn bound(self, noise: f64) -> Option<f64> {
        match self {
            Self::Connections => Some(noise.max(0.01)),
            Self::Answered => Some(0.03 + noise),
            Self::QueueFull | Self::Paws => None,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connections => "nginx, short connections",
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
            Case::Connections => self.site.as_ref().map(Scene::Site),
            _ => Some(Scene::Flood(Box::new(Flood::prepare(case, &self.spoofed)?))),
        })
    }
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

    /// Connections or SYNs per second, and how long it took.
    pub(crate) fn run(&mut self, time: Duration) -> Result<(f64, Duration)> {
        match self {
            Self::Site(site) => site.run(time),
            Self::Flood(flood) => flood.run(time),
        }
    }
}
