//! Moving processes between databases: what an export reads, and how an import is compared with what is here.
//!
//! It decides that a process is read as it was at one moment, in pages. It refuses to know the form of a file.

use std::rc::Rc;

use crate::{
    error::{Code, Error, Result},
    model::{
        difference,
        event::ProcessEvent,
        export::{ExportHead, ExportedChunks, ExportedEvent, ExportedProcess, ProcessExport},
        fork::Renames,
        key::ProcessId,
        stream::Chunk,
    },
    operation,
    registry::{ProcessRegistry, answer},
    rules::import::{self, Imported, Incoming},
    store::{Answer, ChunkPage, ChunkRange, EventPage, EventRange, Query},
};

/// How many events, and how many rows of chunks, are read at once.
const PAGE: u64 = 256;

impl ProcessRegistry {
    /// What the export of a process begins with; none where the id is unknown.
    pub async fn export_head(&self, id: &ProcessId) -> Result<Option<Rc<ExportHead>>> {
        answer!(self, Query::Export(id.clone()), Answer::Export)
    }

    /// The next events of a process in that life of its id; none where that is over.
    pub async fn export_events(
        &self,
        id: &ProcessId,
        life: Option<u64>,
        after: u64,
    ) -> Result<Option<Vec<ExportedEvent>>> {
        let range = EventRange::After { after, limit: Some(PAGE), types: None };
        let page: Option<EventPage> = answer!(self, Query::Events(id.clone(), range), Answer::Events)?;
        let page = page.filter(|page| page.record.log.life == life);
        Ok(page.map(|page| page.events.iter().map(|event| ExportedEvent::from(&**event)).collect()))
    }

    /// The next rows of a stream from an index on, where a row begins; none where that life of the id is over.
    pub async fn export_chunks(
        &self,
        id: &ProcessId,
        life: Option<u64>,
        name: &str,
        from: u64,
    ) -> Result<Option<Vec<ExportedChunks>>> {
        let range = ChunkRange { name: name.to_owned(), from, limit: PAGE };
        let page: Option<ChunkPage> = answer!(self, Query::Chunks(id.clone(), range), Answer::Chunks)?;
        let page = page.filter(|page| page.record.log.life == life);
        Ok(page.map(|page| page.chunks.iter().filter(|row| row.first >= from).map(ExportedChunks::from).collect()))
    }

    /// Puts an exported process into this database, under the ids that it is to have here. What is here already and is alike, its counts of
    /// lives and fences aside, stays as it is; [`Code::RegistrationConflict`] for what is here and differs. The bytes of attachments are not
    /// compared.
    pub async fn import(&self, export: &ProcessExport, renames: &Renames) -> Result<Imported> {
        let incoming = Rc::new(import::check(export, renames, self.schemas())?);
        let outcome = self.execute(operation::import(incoming.clone())).await?;
        if outcome == Imported::Existing {
            self.compare(&incoming).await?;
        }
        Ok(outcome)
    }

    /// Refuses where what is here is not what comes in.
    async fn compare(&self, incoming: &Incoming) -> Result<()> {
        let id = incoming.record.id();
        let head = self.export_head(id).await?.ok_or_else(|| Error::unknown_process(id))?;
        let given = ExportedProcess::of(&incoming.record, &incoming.slot);
        // What this database decides by itself.
        let given = ExportedProcess { fence: head.process.fence, life: head.process.life, ..given };
        let given = ExportedProcess { begun: head.process.begun, ..given };
        if let Some(found) = difference::first(&head.process, &given) {
            return Err(differs(id, &found.text("process")));
        }
        self.compare_log(incoming, &head).await?;
        let streams: Vec<_> = head.streams.iter().map(|stream| stream.of(id)).collect();
        if streams != incoming.streams {
            return Err(differs(id, "streams"));
        }
        for stream in &streams {
            self.compare_stream(incoming, &stream.name).await?;
        }
        let given = incoming.attachments.iter().map(|attachment| &attachment.info);
        match head.attachments.iter().eq(given) {
            true => Ok(()),
            false => Err(differs(id, "attachments")),
        }
    }

    async fn compare_log(&self, incoming: &Incoming, head: &ExportHead) -> Result<()> {
        let id = incoming.record.id();
        for (page, given) in incoming.events.chunks(PAGE as usize).enumerate() {
            let range = EventRange::After { after: page as u64 * PAGE, limit: Some(PAGE), types: None };
            let stored = self.events(id, range).await?;
            let is_acked = |event: &ProcessEvent| {
                event.semantics.wake.is_some() && head.unacked.binary_search(&event.sequence).is_err()
            };
            let alike = |(stored, given): (&Rc<ProcessEvent>, &import::IncomingEvent)| {
                **stored == *given.event && is_acked(stored) == given.acked
            };
            let pairs = stored.iter().zip(given).position(|pair| !alike(pair));
            let place = pairs.or((stored.len() < given.len()).then_some(stored.len()));
            if let Some(place) = place {
                return Err(differs(id, &format!("events[{}]", page * PAGE as usize + place)));
            }
        }
        Ok(())
    }

    async fn compare_stream(&self, incoming: &Incoming, name: &str) -> Result<()> {
        let id = incoming.record.id();
        let rows = incoming.chunks.iter().filter(|row| row.name == name);
        let mut given = Vec::new();
        rows.for_each(|row| row.add_from(0, &mut given));
        let (mut from, mut left) = (0, given.as_slice());
        loop {
            let range = ChunkRange { name: name.to_owned(), from, limit: PAGE };
            let page: Option<ChunkPage> = answer!(self, Query::Chunks(id.clone(), range), Answer::Chunks)?;
            let mut stored = Vec::<Chunk>::new();
            page.iter().flat_map(|page| &page.chunks).for_each(|row| row.add_from(from, &mut stored));
            let Some((same, rest)) = left.split_at_checked(stored.len()).filter(|(same, _)| *same == stored) else {
                return Err(differs(id, &format!("stream `{name}`")));
            };
            if same.is_empty() {
                return if rest.is_empty() { Ok(()) } else { Err(differs(id, &format!("stream `{name}`"))) };
            }
            (from, left) = (from + same.len() as u64, rest);
        }
    }
}

fn differs(id: &ProcessId, what: &str) -> Error {
    Error::of(Code::RegistrationConflict, id, format!("is here already, and is not what is imported: {what}"))
}
