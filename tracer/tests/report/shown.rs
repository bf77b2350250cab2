//! What a browser shows of a page.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    browser::{Browser, DESK, Look, PHONE},
    program::{Test, file, page},
    recording::{Words, recording},
};

pub(crate) const ALL: &[Test] = &[
    ("browser/desk", desk),
    ("browser/phone", phone),
    ("browser/without-scripts", without_scripts),
    ("browser/paper", paper),
    ("browser/hostile", hostile),
    ("browser/policy", policy),
];

/// Elements by name and attribute names, in order; texts do not matter.
const SHAPE: &str = "[...document.querySelectorAll('*')].map((e) => \
     e.localName + '[' + [...e.attributes].map((a) => a.name).join() + ']').join('\\n')";

fn usual(name: &str) -> Result<(Browser, crate::files::File, String)> {
    let page = page(name, &recording(&Words::usual()))?;
    let (file, address) = file(name, &page);
    Ok((Browser::start(name)?, file, address))
}

/// The page says nothing, asks for nothing, and is as wide as the screen at most.
fn ensure_quiet(browser: &mut Browser, look: Look) -> Result<()> {
    let trouble = browser.trouble();
    ensure!(trouble.is_empty(), "{look:?}: {trouble:?}");
    ensure!(browser.requests() == 1, "{} requests", browser.requests());
    let wide = browser.value("[document.scrollingElement.scrollWidth, innerWidth]")?;
    ensure!(wide[0].as_u64() <= wide[1].as_u64() && wide[1] == look.size.0, "{look:?}: {wide}");
    Ok(())
}

fn desk() -> Result<()> {
    let (mut browser, _file, address) = usual("desk")?;
    for (dark, picture) in [(true, "dark.png"), (false, "light.png")] {
        let look = Look { dark, ..DESK };
        browser.open(&address, look)?;
        ensure_quiet(&mut browser, look)?;
        browser.picture(picture)?;
    }
    // The first column of the sources that holds numbers of drops.
    let drops =
        "[...document.querySelectorAll('#sources tbody tr')].map((row) => Number(row.cells[2].textContent))";
    let numbers = |value: Value| serde_json::from_value::<Vec<u64>>(value).context("numbers");
    let first = numbers(browser.value(drops)?)?;
    ensure!(
        first.len() > 20 && first.is_sorted_by(|a, b| a >= b) && first[0] > first[first.len() - 1],
        "{first:?}"
    );
    browser.click("#sources thead th:nth-child(3) button")?;
    ensure!(numbers(browser.value(drops)?)? == first, "the largest come first");
    browser.click("#sources thead th:nth-child(3) button")?;
    let up = numbers(browser.value(drops)?)?;
    ensure!(up.is_sorted() && up.len() == first.len(), "{up:?}");
    let sorted = browser.value("document.querySelector('#sources thead th:nth-child(3)').ariaSort")?;
    ensure!(sorted == "ascending", "{sorted}");
    browser.click("#sources thead th:first-child button")?;
    let address = browser.value("document.querySelector('#sources tbody th').textContent")?;
    ensure!(address == "192.0.2.1", "{address}");
    // By a key, too.
    browser.value("document.querySelector('#sources thead th:nth-child(4) button').focus()")?;
    ensure!(browser.value("document.activeElement.textContent")? == "PAWS", "no focus");
    ensure!(browser.trouble().is_empty(), "{:?}", browser.trouble());
    Ok(())
}

fn phone() -> Result<()> {
    let (mut browser, _file, address) = usual("phone")?;
    for look in [PHONE, Look { scripts: false, ..PHONE }, Look { dark: true, ..PHONE }] {
        browser.open(&address, look)?;
        ensure_quiet(&mut browser, look)?;
        // Whatever is wider scrolls by itself.
        let beyond = "[...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll') && !e.closest('svg') \
             && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.localName)";
        let beyond = browser.value(beyond)?;
        ensure!(beyond.as_array().is_some_and(Vec::is_empty), "beyond the screen: {beyond}");
        let small = "Math.min(...[...document.querySelectorAll('p, li, td, th, figcaption, svg text')].map((e) => \
             parseFloat(getComputedStyle(e).fontSize) * (e.closest('svg') ? e.closest('svg').getBoundingClientRect().width / 720 : 1)))";
        let small = browser.value(small)?;
        ensure!(small.as_f64() >= Some(11.0), "letters of {small} px");
    }
    browser.open(&address, PHONE)?;
    browser.picture("phone.png")
}

fn without_scripts() -> Result<()> {
    let (mut browser, _file, address) = usual("plain")?;
    let text = "document.body.innerText.replaceAll(/\\s+/g, ' ')";
    browser.open(&address, DESK)?;
    let with = browser.value(text)?;
    browser.open(&address, Look { scripts: false, ..DESK })?;
    ensure_quiet(&mut browser, Look { scripts: false, ..DESK })?;
    ensure!(browser.value("document.querySelectorAll('button').length")? == 0, "a script ran");
    let without = browser.value(text)?;
    // Buttons to copy are all that scripts add.
    let with = with.as_str().context("text")?.replace(" Copy", "");
    ensure!(without == with.as_str(), "{without}\n\n{with}");
    let drawn = browser.value(
        "[document.querySelectorAll('.strip rect').length, document.querySelectorAll('path.clock').length, \
         document.querySelector('path.dropped').getTotalLength() > 0]",
    )?;
    ensure!(drawn[0].as_u64() > Some(50) && drawn[1].as_u64() >= Some(3) && drawn[2] == true, "{drawn}");
    Ok(())
}

fn paper() -> Result<()> {
    let (mut browser, _file, address) = usual("paper")?;
    for scripts in [true, false] {
        let look = Look { dark: true, paper: true, scripts, ..DESK };
        browser.open(&address, look)?;
        let colors = browser.value(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]",
        )?;
        ensure!(colors[0] == "rgb(255, 255, 255)" && colors[1] == "rgb(0, 0, 0)", "{colors}");
        ensure!(
            browser.value("getComputedStyle(document.querySelector('nav')).display")? == "none",
            "links on paper"
        );
        // What somebody closed is on paper all the same.
        browser
            .value("document.querySelectorAll('details').forEach((details) => { details.open = false; })")?;
        let shown = "Math.min(...[...document.querySelectorAll('details table')].map((table) => table.getBoundingClientRect().height))";
        let shown = browser.value(shown)?;
        ensure!(shown.as_f64() > Some(10.0), "closed on paper: {shown}");
    }
    browser.open(&address, DESK)?;
    let pdf = browser.print("print.pdf")?;
    ensure!(pdf.starts_with(b"%PDF"), "no PDF");
    let pages = pdf.windows(11).filter(|bytes| bytes == b"/Type /Page").count();
    ensure!(pages >= 3, "{pages} pages");
    Ok(())
}

/// Whether anything of a recording did anything.
fn ensure_unhurt(browser: &mut Browser) -> Result<()> {
    ensure!(browser.value("typeof window.hit")? == "undefined", "a script of the recording ran");
    let trouble = browser.trouble();
    ensure!(trouble.is_empty(), "{trouble:?}");
    Ok(())
}

fn hostile() -> Result<()> {
    let words = Words::hostile();
    let (usual_page, page) =
        (page("twin", &recording(&Words::usual()))?, page("hostile", &recording(&words))?);
    let mut browser = Browser::start("hostile")?;
    let (_twin, twin) = file("twin", &usual_page);
    let (_file, address) = file("hostile", &page);
    browser.open(&twin, DESK)?;
    let shape = browser.value(SHAPE)?;
    browser.open(&address, DESK)?;
    ensure!(
        browser.value(SHAPE)? == shape,
        "the recording made markup:\n{}\n\n{shape}",
        browser.value(SHAPE)?
    );
    // Over everything with the mouse.
    browser.value(
        "document.querySelectorAll('*').forEach((e) => e.dispatchEvent(new MouseEvent('mouseover')))",
    )?;
    ensure_unhurt(&mut browser)?;
    ensure!(browser.requests() == 1, "{} requests", browser.requests());
    let text = browser.value("document.body.textContent")?;
    let text = text.as_str().context("text")?;
    let service = words.cgroup.rsplit('/').next().context("a part")?;
    for word in [&words.comm, &words.netns, &words.reason, &words.kernel, &words.ifname] {
        ensure!(text.contains(word.as_str()), "{word:?} is not there to be read");
    }
    ensure!(text.contains(service), "{service:?} is not there to be read");
    let bad = |c: char| c == '\u{202e}' || (c.is_control() && c != '\n');
    ensure!(!text.contains(bad), "control characters");
    browser.open(&address, PHONE)?;
    ensure_quiet(&mut browser, PHONE)?;
    browser.picture("hostile.png")
}

/// If the page's escaping failed, its policy would still let nothing run and nothing load.
fn policy() -> Result<()> {
    let (mut browser, _file, address) = usual("policy")?;
    browser.open(&address, DESK)?;
    browser.value(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"x.png\" onerror=\"window.hit=1\">\
         <svg onload=\"window.hit=2\"></svg><b id=\"inked\" style=\"color: rgb(1, 2, 3)\" onclick=\"window.hit=3\">b</b>\
         <iframe src=\"other.html\"></iframe>')",
    )?;
    browser.value(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.hit=4'; document.body.append(s); \
         document.getElementById('inked').click(); return new Promise((done) => setTimeout(done, 300)); })()",
    )?;
    ensure!(browser.value("typeof window.hit")? == "undefined", "the policy let a script run");
    let color = browser.value("getComputedStyle(document.getElementById('inked')).color")?;
    ensure!(color != "rgb(1, 2, 3)", "the policy let a style pass");
    let told = browser.trouble().join("\n");
    ensure!(told.contains("Content Security Policy"), "the browser did not refuse anything: {told}");
    Ok(())
}
