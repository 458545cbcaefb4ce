//! A process that is driven in two steps, waits for a signal in between, and is awaited.
//!
//! `cargo run --example order`

use std::{error::Error, rc::Rc};

use futures::{FutureExt, executor::LocalPool, future::LocalBoxFuture};
use longwait_core::{
    DriverOptions, Host, Payload, ProcessAwaitOutput, ProcessAwaiter, ProcessInput, ProcessRegistration,
    ProcessRegistry, ProcessWorkDriver, Result, RunContext, RunEnd, Runners, watch_process_registry,
};
use serde_json::json;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut pool = LocalPool::new();
    let host = Host::native(pool.spawner());
    let output = pool.run_until(order(host))?;
    println!("{output}");
    Ok(())
}

/// Registers an order, drives it, and awaits its end.
pub async fn order(host: Host) -> Result<String> {
    let (registry, hub) = watch_process_registry(ProcessRegistry::in_memory(host));
    let driver = ProcessWorkDriver::new(registry.clone(), Rc::new(Orders), DriverOptions::new("shop"))?;
    driver.start();

    let input = ProcessInput::engine("order", json!({"item": "a book"}));
    registry.register(ProcessRegistration::new("order-1", input)).await?;
    // Kept until the run asks for it, however late that is.
    registry.signal(&"order-1".into(), "paid", json!({"amount": 12}).into(), Some("payment-1")).await?;

    let output = ProcessAwaiter::new(registry.clone(), hub).await_terminal(&"order-1".into()).await?;
    driver.stop().await;
    registry.close();
    Ok(output.to_payload().canonical())
}

/// Runs what is registered with the kind `order`.
struct Orders;

impl Runners for Orders {
    fn kinds(&self) -> Vec<String> {
        vec!["order".to_owned()]
    }

    fn run(&self, context: RunContext) -> LocalBoxFuture<'static, Result<RunEnd>> {
        async move {
            // What a step answers is recorded: a run that begins again after a crash is given the record.
            let reserved = context.step("reserve", || async { Ok(Some(json!({"shelf": 7}).into())) }).await?;
            let paid = context.wait_for_signal("paid").await?;
            let sent = Payload::object([("from", reserved), ("for", Some(paid.payload.clone()))]);
            Ok(ProcessAwaitOutput::success(sent).into())
        }
        .boxed_local()
    }
}
