//! A web server and its clients: nginx with one process, wrk in another namespace, a veth pair between them, a connection
//! for each request. Server and clients have a processor each, where there are two.

use std::{
    cell::RefCell,
    fs, io,
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    case::Rates,
    live::{counters::Counters, family::Family, lab::Lab, peer::PORT, watcher::PATIENCE},
    shared::watching::{Process, is_there},
    stay::{last_processor, stay_on},
};

/// The server's address and the clients'.
const SERVER: [u8; 4] = [10, 78, 0, 1];
const CLIENTS: &str = "10.78.0.2/24";
/// Connections at a time.
const OPEN: &str = "32";

/// A server that answers.
pub(crate) struct Site {
    pub(crate) server: Lab,
    clients: Lab,
    counters: RefCell<Counters>,
    nginx: Process,
    /// Its clients, while there are any.
    load: RefCell<Option<Process>>,
}

impl Site {
    /// `None`: nginx or wrk is not to be had.
    pub(crate) fn open(nginx: &str) -> Result<Option<Self>> {
        if !is_there(nginx) || !is_there("wrk") {
            return Ok(None);
        }
        let (server, clients) = (Lab::new(Family::V4)?, Lab::new(Family::V4)?);
        let at = SocketAddr::from((SERVER, PORT));
        server.ip(&format!(
            "link add web type veth peer name web netns {}\naddr add {}/24 dev web\nlink set web up\n",
            clients.netns.path().display(),
            at.ip()
        ))?;
        clients.ip(&format!("addr add {CLIENTS} dev web\nlink set web up\n"))?;
        clients.sysctl("ipv4/ip_local_port_range", "1024 65000")?;
        let nginx = serve(&server, nginx, at)?;
        let counters = server.netns.run(Counters::open)?;
        let site =
            Self { server, clients, counters: RefCell::new(counters), nginx, load: RefCell::default() };
        site.await_answer(at)?;
        // Until ports are used again, as they are in life.
        site.run(Duration::ZERO, Duration::from_secs(3))?;
        Ok(Some(site))
    }

    fn await_answer(&self, at: SocketAddr) -> Result<()> {
        let begun = Instant::now();
        while let Err(error) = self.clients.netns.run(|| TcpStream::connect(at)) {
            ensure!(begun.elapsed() < PATIENCE, "nginx does not answer: {error}");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Connections for so long, once it has settled. The clients go on until [`Self::rest`]: who watches changes, and nothing
    /// else.
    pub(crate) fn run(&self, settles: Duration, time: Duration) -> Result<Rates> {
        let mut load = self.load.borrow_mut();
        let load = match &mut *load {
            Some(load) => load,
            none => none.insert(self.start_clients()?),
        };
        let begun = Instant::now();
        thread::sleep(settles);
        let mut counters = self.counters.borrow_mut();
        let worked = || anyhow::Ok(self.nginx.processor().zip(load.processor()).context("no times")?);
        let (before, (server, clients), from) = (counters.read()?, worked()?, Instant::now());
        thread::sleep(time);
        let (after, (server_then, clients_then), took) = (counters.read()?, worked()?, from.elapsed());
        let opened = after.since(&before, "TcpPassiveOpens").context("no such counter")?;
        ensure!(opened > 0, "the clients came to an end");
        let opened = f64::from(u32::try_from(opened)?);
        let work = (server_then.saturating_sub(server) + clients_then.saturating_sub(clients)).as_secs_f64();
        Ok(Rates { rate: opened / took.as_secs_f64(), work: Some(opened / work), took: begun.elapsed() })
    }

    /// No clients any more.
    pub(crate) fn rest(&self) {
        self.load.borrow_mut().take();
    }

    /// wrk, until it is stopped.
    fn start_clients(&self) -> Result<Process> {
        let mut load = Command::new("wrk");
        load.args(["-t", "1", "-c", OPEN, "-d", "1h", "-H", "Connection: close"])
            .arg(format!("http://{}/", SocketAddr::from((SERVER, PORT))))
            .stdout(Stdio::null());
        inside(&self.clients, 0, &mut load).context("start wrk")
    }
}

/// nginx with nothing but an answer.
fn serve(server: &Lab, nginx: &str, at: SocketAddr) -> Result<Process> {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/nginx");
    fs::create_dir_all(folder).with_context(|| folder.to_owned())?;
    let own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {folder}/{what};"))
        .join(" ");
    let configuration = format!(
        "daemon off; master_process off; user root; pid {folder}/pid; error_log stderr;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; keepalive_timeout 0; {own}\n\
         server {{ listen {at} backlog=1024; location / {{ return 200 'hello'; }} }} }}\n"
    );
    let file = format!("{folder}/nginx.conf");
    fs::write(&file, configuration)?;
    let mut command = Command::new(nginx);
    command.args(["-p", folder, "-e", "stderr", "-c", &file]);
    inside(server, last_processor()?, &mut command).context("start nginx")
}

/// Starts a program in a namespace and on a processor.
fn inside(lab: &Lab, processor: usize, command: &mut Command) -> Result<Process> {
    // In a thread of its own.
    let start = || stay_on(processor).and_then(|()| Process::start(command)).map_err(io::Error::other);
    Ok(lab.netns.run(start)?)
}
