//! A headless Chromium, spoken to over a pair of pipes in its own protocol (`--remote-debugging-pipe`): requests and answers
//! are JSON, each ended by a zero byte. That takes fewer lines than any library that would do it.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// Names under which it is installed.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// No answer takes longer on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is narrower is a phone.
const NARROW: u32 = 600;

/// Where it is.
pub(crate) fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// How a page is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) size: (u32, u32),
    pub(crate) scripts: bool,
    pub(crate) dark: bool,
    pub(crate) paper: bool,
}

pub(crate) const DESK: Look = Look { size: (1280, 800), scripts: true, dark: false, paper: false };
pub(crate) const PHONE: Look = Look { size: (390, 844), ..DESK };

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    profile: PathBuf,
    session: Option<String>,
    last: u64,
    /// What it told without being asked.
    events: Vec<Value>,
}

impl Browser {
    /// Starts it; `name` is that of the test.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let profile = env::temp_dir().join(format!("tracer-report-{}-{name}", std::process::id()));
        let program = find().context("no chromium")?;
        // It takes its pipes as descriptors 3 and 4; a shell puts them there.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"]).arg(program).args([
            "--headless",
            "--remote-debugging-pipe",
            // Its sandbox does not work for root, and the pages are our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let to = child.stdin.take();
        let mut out = BufReader::new(child.stdout.take().context("its output")?);
        let (sender, from) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok_and(|n| n > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Self { child, to, from, profile, session: None, last: 0, events: Vec::new() };
        let target = browser.ask("Target.createTarget", &json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.session =
            browser.ask("Target.attachToTarget", &attach)?["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.ask(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(browser)
    }

    /// Asks for something, and waits for the answer.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let to = self.to.as_mut().context("it is closed")?;
        to.write_all(&[message.to_string().as_bytes(), b"\0"].concat())?;
        let begun = Instant::now();
        loop {
            let mut answer = self.next(method, begun)?;
            if answer["id"] == self.last {
                ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return Ok(answer["result"].take());
            }
            self.events.push(answer);
        }
    }

    fn next(&self, what: &str, begun: Instant) -> Result<Value> {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        self.from.recv_timeout(left).with_context(|| format!("chromium says nothing to {what}"))
    }

    /// Opens a page in this look, and waits until it is loaded.
    pub(crate) fn open(&mut self, address: &str, look: Look) -> Result<()> {
        let (width, height) = look.size;
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < NARROW});
        self.ask("Emulation.setDeviceMetricsOverride", &metrics)?;
        self.ask("Emulation.setScriptExecutionDisabled", &json!({"value": !look.scripts}))?;
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({
            "media": if look.paper { "print" } else { "" },
            "features": [{"name": "prefers-color-scheme", "value": scheme}],
        });
        self.ask("Emulation.setEmulatedMedia", &media)?;
        self.events.clear();
        self.ask("Page.navigate", &json!({"url": address}))?;
        let begun = Instant::now();
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.next("a page that is loaded", begun)?;
            self.events.push(event);
        }
        Ok(())
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Result<Value> {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.ask("Runtime.evaluate", &params)?;
        if !answer["exceptionDetails"].is_null() {
            bail!("{expression}: {}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].take())
    }

    /// Clicks in the middle of an element, as a person would.
    pub(crate) fn click(&mut self, selector: &str) -> Result<()> {
        let place = format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let place = self.value(&place)?;
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    /// What went wrong since the page was opened: messages on the console, exceptions, dialogs, and requests beside the page.
    pub(crate) fn trouble(&self) -> Vec<String> {
        let told = self.events.iter().filter(|event| match event["method"].as_str() {
            Some("Network.requestWillBeSent") => event["params"]["type"] != "Document",
            Some(method) => matches!(
                method,
                "Runtime.consoleAPICalled"
                    | "Runtime.exceptionThrown"
                    | "Log.entryAdded"
                    | "Page.javascriptDialogOpening"
                    | "Page.windowOpen"
            ),
            None => false,
        });
        told.map(Value::to_string).collect()
    }

    /// How many requests there were, the page included.
    pub(crate) fn requests(&self) -> usize {
        self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent").count()
    }

    /// All of the page as a picture in a file.
    pub(crate) fn picture(&mut self, name: &str) -> Result<()> {
        let params = json!({"format": "png", "captureBeyondViewport": true});
        let answer = self.ask("Page.captureScreenshot", &params)?;
        let data = answer["data"].as_str().context("a picture")?;
        fs::write(super::program::pictures()?.join(name), unpacked(data)?)?;
        Ok(())
    }

    /// The page as it is printed.
    pub(crate) fn print(&mut self, name: &str) -> Result<Vec<u8>> {
        let params = json!({"printBackground": true, "preferCSSPageSize": false, "paperWidth": 8.27, "paperHeight": 11.69});
        let answer = self.ask("Page.printToPDF", &params)?;
        let pdf = unpacked(answer["data"].as_str().context("a print")?)?;
        fs::write(super::program::pictures()?.join(name), &pdf)?;
        Ok(pdf)
    }
}

fn unpacked(data: &str) -> Result<Vec<u8>> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        let _ = self.ask("Browser.close", &json!({}));
        self.to = None;
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}
