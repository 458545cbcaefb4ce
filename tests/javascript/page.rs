//! The tabs of a case: copies of the package whose rows lie in one place.

use std::{cell::RefCell, rc::Rc};

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{host::Random, host::browser::BrowserRandom};
use longwait_testing::{Around, Recorder, Tab, Tabs};
use wasm_bindgen::prelude::*;

use crate::{
    clock::PageClock,
    registry::{Hub, Registry},
};

#[wasm_bindgen(module = "/tests/javascript/page.js")]
extern "C" {
    async fn patience(span_ms: f64);
    /// The tabs of one case, in JavaScript.
    #[derive(Clone)]
    pub type Page;
    #[wasm_bindgen(constructor)]
    fn new(storage: &str, name: &str) -> Page;
    #[wasm_bindgen(method, catch)]
    async fn open(this: &Page, clock: PageClock, shown: JsValue, ticked: JsValue) -> Result<JsValue, JsValue>;
    /// Calls a method that answers with a promise.
    #[wasm_bindgen(method, catch)]
    pub async fn call(this: &Page, target: &JsValue, method: &str, given: &str) -> Result<JsValue, JsValue>;
    /// Calls a method that waits, until [`Wait::stop`].
    #[wasm_bindgen(method)]
    pub fn wait(this: &Page, target: &JsValue, method: &str, given: &str) -> Wait;
    /// Waits for the first event that a feed gives.
    #[wasm_bindgen(method)]
    pub fn first(this: &Page, target: &JsValue, given: &str) -> Wait;
    /// Calls a method that answers at once.
    #[wasm_bindgen(method, catch)]
    pub fn now(this: &Page, target: &JsValue, method: &str, given: &str) -> Result<JsValue, JsValue>;
    /// A document of a whole process, from the lines of its export.
    #[wasm_bindgen(method, catch, js_name = exportDocument)]
    pub async fn export_document(this: &Page, registry: &JsValue, id: &str) -> Result<JsValue, JsValue>;
    /// Imports such a document as lines; answers what became of it.
    #[wasm_bindgen(method, catch, js_name = importDocument)]
    pub async fn import_document(
        this: &Page,
        registry: &JsValue,
        document: &str,
        renames: &str,
    ) -> Result<JsValue, JsValue>;
    /// Holds a lock.
    #[wasm_bindgen(method)]
    pub async fn hold(this: &Page, name: &str);
    /// Gives a lock back.
    #[wasm_bindgen(method)]
    pub async fn free(this: &Page, name: &str);
    /// Closes the tabs, and leaves none of their rows behind.
    #[wasm_bindgen(method, catch)]
    async fn remove(this: &Page) -> Result<JsValue, JsValue>;

    /// A call that can be given up.
    pub type Wait;
    #[wasm_bindgen(method, getter)]
    pub fn answer(this: &Wait) -> js_sys::Promise;
    #[wasm_bindgen(method)]
    pub fn stop(this: &Wait);
}

/// How long a case may take: an engine that is busy takes long to open a database.
const PATIENCE_MS: f64 = 20_000.0;

/// The tabs of one case, over rows under a fresh name.
pub struct Pages {
    page: Page,
}

impl Pages {
    /// With a database of the browser.
    pub fn on_indexed_db() -> Self {
        Self::on("indexedDb")
    }

    /// With a namespace of the servers that the test runner has started.
    pub fn on_nats() -> Self {
        Self::on("nats")
    }

    fn on(storage: &str) -> Self {
        Self { page: Page::new(storage, &format!("longwait-test-{}", BrowserRandom.name())) }
    }
}

impl Tabs<Registry> for Pages {
    fn open(&self, around: Around) -> LocalBoxFuture<'static, Tab<Registry>> {
        let Around { clock, killed, .. } = around;
        let page = self.page.clone();
        async move {
            let (sink, ticks) = (Rc::<Recorder>::default(), Rc::<RefCell<Vec<String>>>::default());
            let (showing, heard) = (sink.clone(), ticks.clone());
            let shown =
                Closure::<dyn FnMut(String, f64)>::new(move |id, sequence: f64| showing.show(id, sequence as u64));
            let ticked = Closure::<dyn FnMut(String)>::new(move |id| heard.borrow_mut().push(id));
            let opened = page.open(PageClock::of(clock), shown.into_js_value(), ticked.into_js_value()).await.unwrap();
            let registry = Registry::new(page, opened, killed);
            Tab { hub: Hub::of(&registry), registry, store: (), ticks, sink }
        }
        .boxed_local()
    }

    fn patience(&self) -> LocalBoxFuture<'static, ()> {
        patience(PATIENCE_MS).boxed_local()
    }

    fn remove(&self) -> LocalBoxFuture<'static, ()> {
        let page = self.page.clone();
        async move {
            page.remove().await.unwrap();
        }
        .boxed_local()
    }
}
