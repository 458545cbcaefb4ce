"use client";
import { useEffect } from "react";
import { Driver, RegistryProvider, useRegistry, useProcess } from "longwait/react";

const runners = { greet: ({ process }) => `hello ${process.input.payload}` };

export function Greeting({ kind }) {
  return (
    <RegistryProvider open={{}}>
      <Driver runners={runners} />
      <Process kind={kind} />
    </RegistryProvider>
  );
}

function Process({ kind }) {
  const registry = useRegistry();
  useEffect(() => {
    registry?.registerProcess({ id: "p", input: { type: "engine", kind, payload: "world" } });
  }, [registry, kind]);
  const { value: record } = useProcess("p");
  const { state, awaitOutput } = record?.status ?? {};
  return <output>{state === "completed" && `${awaitOutput.value}, since ${record.createdAtMs}`}</output>;
}
