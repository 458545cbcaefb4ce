//! The core as a program without a browser uses it.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[allow(dead_code, reason = "its main function prints")]
#[path = "../examples/order.rs"]
mod order;

use std::{collections::BTreeSet, error::Error as _, sync::Arc};

use futures::{FutureExt, executor::LocalPool};
use longwait_core::{
    Code, Error, Host, ProcessInput, ProcessRegistration, ProcessRegistry,
    host::{Clock, Random},
    native::{SystemClock, SystemRandom},
};

#[test]
fn the_example_drives_an_order_through_a_step_and_a_signal_to_its_end() {
    let mut pool = LocalPool::new();
    let host = Host::native(pool.spawner());
    let output = pool.run_until(order::order(host)).unwrap();
    assert_eq!(output, r#"{"type":"success","value":{"for":{"amount":12},"from":{"shelf":7}}}"#);
}

#[test]
fn an_error_can_be_sent_to_another_thread_with_the_fault_underneath() {
    let mut pool = LocalPool::new();
    let registry = ProcessRegistry::in_memory(Host::native(pool.spawner()));
    let blank = ProcessRegistration::new(" ", ProcessInput::external());
    let refused = pool.run_until(registry.register(blank)).unwrap_err();
    let error = refused.caused_by(Arc::new(std::io::Error::other("underneath")));
    let (code, source) =
        std::thread::spawn(move || (error.code(), error.source().unwrap().to_string())).join().unwrap();
    assert_eq!((code, source.as_str()), (Code::InvalidArgument, "underneath"));
    assert!(Error::invalid("alone").source().is_none());
}

#[test]
fn a_timer_may_be_of_any_span() {
    assert_eq!(SystemClock.sleep(u64::MAX).now_or_never(), None);
}

#[test]
fn names_of_the_system_are_32_hexadecimal_digits_and_differ() {
    let names: BTreeSet<_> = (0..100).map(|_| SystemRandom.name()).collect();
    assert_eq!(names.len(), 100);
    assert!(names.iter().all(|name| name.len() == 32 && u128::from_str_radix(name, 16).is_ok()));
}
