//! A page in a real browser, where there is one.

use std::fs;
use std::path::Path;

/// Opens a page, a file or a URL, in a browser; its screenshots are kept under `target/page/NAME`.
pub fn opened(page: &Path, name: &str) {
    let browser = crate::peer::peer("DOCKET_PEER_BROWSER", "browser/node_modules");
    let chromium = crate::peer::on_path("DOCKET_PEER_CHROMIUM", "chromium");
    let node = crate::peer::on_path("DOCKET_PEER_NODE", "node");
    let (Some(browser), Some(chromium), Some(node)) = (browser, chromium, node) else {
        return;
    };
    let shots = crate::peer::root().join("target/page").join(name);
    fs::create_dir_all(&shots).unwrap();
    let script = crate::peer::root().join("tests/peers/read_page.cjs");
    let said = crate::peer::run(&node, [script, browser, chromium, page.to_owned(), shots]);
    assert!(
        said.as_ref().is_ok_and(|said| said.starts_with("sound")),
        "{said:?}"
    );
}
