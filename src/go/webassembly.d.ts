/** What is used of WebAssembly. TypeScript has it only among the types for browsers. */
declare namespace WebAssembly {
  interface Module {}
  const Module: { imports(module: Module): { name: string }[] };

  interface Memory {
    /** Another one after each growth. */
    readonly buffer: ArrayBuffer;
  }

  type Imports = Record<string, Record<string, (...args: never[]) => number | void>>;

  interface Instance {
    readonly exports: unknown;
  }
  const Instance: new (module: Module, imports: Imports) => Instance;

  function compile(bytes: Uint8Array): Promise<Module>;
}
