//! A web server and its clients: nginx with one process, wrk in another namespace, a veth pair between them, a connection
//! for each request.

use std::{
    cell::RefCell,
    fs, io,
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

use crate::{
    case::Rates,
    live::{
        counters::Counters,
        family::Family,
        lab::Lab,
        peer::PORT,
        watcher::{PATIENCE, ended},
    },
    shared::watching::{Process, is_there},
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
        let site = Self { server, clients, counters: RefCell::new(counters), nginx };
        site.await_answer(at)?;
        // Until ports are used again, as they are in life.
        site.run(Duration::from_secs(3))?;
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

    /// Connections for so long.
    pub(crate) fn run(&self, time: Duration) -> Result<Rates> {
        let mut counters = self.counters.borrow_mut();
        let before = counters.read()?;
        let worked = self.worked()?;
        let begun = Instant::now();
        let mut load = Command::new("wrk");
        let seconds = time.as_secs().max(1);
        load.args(["-t", "1", "-c", OPEN, "-d", &format!("{seconds}s"), "-H", "Connection: close"])
            .arg(format!("http://{}/", SocketAddr::from((SERVER, PORT))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = self.clients.netns.run(|| load.spawn()).context("start wrk")?;
        ended(&mut child, time + PATIENCE)?.context("wrk does not end")?;
        let out = String::from_utf8(child.wait_with_output()?.stdout)?;
        let took = begun.elapsed();
        let worked = self.worked()?.saturating_sub(worked).as_secs_f64();
        let opened = counters.read()?.since(&before, "TcpPassiveOpens").context("no such counter")?;
        let (requests, rate) = requests(&out).with_context(|| format!("wrk says: {out}"))?;
        ensure!(opened >= requests, "{requests} requests in {opened} connections");
        ensure!(!out.contains("connect ") || out.contains("connect 0,"), "connections failed: {out}");
        let work = f64::from(u32::try_from(requests)?) / worked;
        Ok(Rates { rate, work: Some(work), took })
    }

    /// Time of the processor that the server and all clients that are gone took so far.
    fn worked(&self) -> Result<Duration> {
        let clients = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let micros = (clients.user_time() + clients.system_time()).num_microseconds();
        Ok(self.nginx.processor().context("its time")? + Duration::from_micros(u64::try_from(micros)?))
    }
}

/// `N requests in`, `Requests/sec: N`.
fn requests(out: &str) -> Option<(u64, f64)> {
    let count = out.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok())?;
    let rate = out.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok())?;
    Some((count, rate))
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
    let start = || Process::start(&mut command).map_err(io::Error::other);
    server.netns.run(start).context("start nginx")
}
