//! What a host is outside of a browser: the operating system's clocks and chance, and tasks on one thread.
//!
//! It decides nothing that a program could not: each part of a [`Host`] can be replaced by one of its own.
//!
//! Everything here stays on the thread that made it. Tasks run on the pool of `futures`, or on any other executor for which
//! [`Spawn`] is implemented, in two lines for one of tokio:
//!
//! ```ignore
//! struct Tokio;
//!
//! impl Spawn for Tokio {
//!     fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
//!         tokio::task::spawn_local(task);
//!     }
//! }
//! ```

use std::{
    rc::Rc,
    sync::LazyLock,
    time::{Duration, Instant, SystemTime},
};

use futures::{
    FutureExt,
    executor::LocalSpawner,
    future::LocalBoxFuture,
    task::{LocalFutureObj, LocalSpawn},
};
use futures_timer::Delay;

use crate::{
    host::{Clock, NoBroadcast, NoProof, Random, Spawn, native_schema::NativeSchemas},
    model::Millis,
    registry::{Host, ProcessRegistry},
    store::{engine::MemoryEngine, row_store::RowStore},
};

impl Host {
    /// The operating system's clocks and chance, `jsonschema` for schemas, and tasks by `spawn`. It knows of no other process of
    /// the system: no change is announced to one, and no owner of a lease is proven dead.
    pub fn native(spawn: impl Spawn + 'static) -> Self {
        Self {
            clock: Rc::new(SystemClock),
            random: Rc::new(SystemRandom),
            liveness: Rc::new(NoProof),
            schemas: Rc::new(NativeSchemas),
            spawn: Rc::new(spawn),
            broadcast: Rc::new(NoBroadcast),
        }
    }
}

impl ProcessRegistry {
    /// A registry of rows in memory, which are gone with its last clone. Rows that last need a [`Store`](crate::store::Store), or
    /// an [`Engine`](crate::store::engine::Engine) under the one that is here.
    pub fn in_memory(host: Host) -> Self {
        let engine = Rc::new(MemoryEngine::new(&host.random.name()));
        let store = RowStore::new(engine, host.clock.clone(), host.spawn.clone(), &*host.random);
        Self::new(Rc::new(store), host)
    }
}

/// The clocks of the operating system, and timers by `futures-timer`.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, whole_millis)
    }

    fn monotonic(&self) -> Millis {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        whole_millis(START.elapsed())
    }

    fn sleep(&self, span: Millis) -> LocalBoxFuture<'static, ()> {
        Delay::new(Duration::from_millis(span)).boxed_local()
    }
}

fn whole_millis(span: Duration) -> Millis {
    Millis::try_from(span.as_millis()).unwrap_or(Millis::MAX)
}

/// The thread's generator of `rand`, whose numbers cannot be guessed.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn name(&self) -> String {
        format!("{:032x}", rand::random::<u128>())
    }
}

/// Tasks run while their [`LocalPool`](futures::executor::LocalPool) does. Those of a pool that is gone are dropped.
impl Spawn for LocalSpawner {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        let _ = self.spawn_local_obj(LocalFutureObj::new(task));
    }
}
