//! What only real Web Locks can prove, in a window and in a worker of every engine.

use std::any::Any;

use futures::{FutureExt, future::LocalBoxFuture};
use longwait::{
    Code,
    host::{
        self, Liveness, Random,
        browser::{
            BrowserRandom,
            tab::{Lock, OwnerLocks},
        },
    },
    model::lease::{LeaseOwner, LivenessMark, Proof},
};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{made, refused};

/// A life in a database of the test's own.
struct LivenessLock {
    locks: OwnerLocks,
    lock_name: String,
    lock: Box<dyn Any>,
}

impl LivenessLock {
    async fn new() -> Self {
        let locks = OwnerLocks::new(&BrowserRandom.name());
        let host::LivenessLock { mark, end: lock } = locks.live("1").await;
        let LivenessMark::WebLock { lock_name } = mark else {
            panic!("every engine that the tests run in has Web Locks")
        };
        Self { locks, lock_name: lock_name.to_string(), lock }
    }

    async fn proof(&self, lock_name: &str) -> Proof {
        self.locks.probe(&marked(lock_name)).await
    }

    fn gone(&self) -> LocalBoxFuture<'static, longwait::Result<()>> {
        self.locks.gone(&marked(&self.lock_name))
    }
}

fn marked(lock_name: &str) -> LeaseOwner {
    owner(json!({"kind": "web_lock", "lockName": lock_name}))
}

fn owner(liveness: Value) -> LeaseOwner {
    made(json!({"ownerId": "o", "incarnationId": "1", "liveness": liveness}))
}

#[wasm_bindgen_test]
async fn an_owner_lives_as_long_as_its_lock_is_held() {
    let life = LivenessLock::new().await;
    assert_eq!(life.proof(&life.lock_name).await, Proof::Unknown);
    let LivenessLock { locks, lock_name, lock } = life;
    drop(lock);
    locks.gone(&marked(&lock_name)).await.unwrap();
    assert_eq!(locks.probe(&marked(&lock_name)).await, Proof::Dead);
}

#[wasm_bindgen_test]
async fn a_watcher_is_told_of_the_end_and_is_itself_no_sign_of_life() {
    let life = LivenessLock::new().await;
    let (mut first, second) = (life.gone(), life.gone());
    assert!((&mut first).now_or_never().is_none());
    drop(second);
    let LivenessLock { locks, lock_name, lock } = life;
    drop(lock);
    first.await.unwrap();
    assert_eq!(locks.probe(&marked(&lock_name)).await, Proof::Dead);
}

#[wasm_bindgen_test]
async fn a_free_lock_of_another_name_proves_nothing() {
    let life = LivenessLock::new().await;
    for name in ["never-held", "longwait:another:owner:1", ""] {
        assert_eq!(life.proof(name).await, Proof::Unknown);
        assert_eq!(refused(life.locks.gone(&marked(name)).await), Code::InvalidArgument);
    }
}

#[wasm_bindgen_test]
async fn of_an_opaque_owner_nothing_is_ever_known() {
    let life = LivenessLock::new().await;
    let opaque = owner(json!({"kind": "opaque"}));
    assert_eq!(life.locks.probe(&opaque.clone()).await, Proof::Unknown);
    assert_eq!(refused(life.locks.gone(&opaque).await), Code::InvalidArgument);
}

#[wasm_bindgen_test]
async fn a_lock_given_back_before_it_was_granted_is_not_kept() {
    let life = LivenessLock::new().await;
    drop(Lock::take(&life.lock_name));
    let next = Lock::take(&life.lock_name);
    let LivenessLock { lock, .. } = life;
    drop(lock);
    assert!(next.is_held().await);
}
