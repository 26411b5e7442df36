const anything = 'everything'

export interface FolderRules {
  /** Other rooms that it may import; `type:` in front allows types only. */
  readonly folders: readonly string[] | typeof anything
  /** npm packages, by name or scope. */
  readonly packages: readonly string[] | typeof anything
  /** Node's built-in modules; all of them by default. */
  readonly builtins?: readonly string[]
}

/** What each room may import. A room is a folder of `src`, or a file that lies in `src` itself. */
export const folderRules: Readonly<Record<string, FolderRules>> = {
  main: { folders: anything, packages: anything },
  demo: { folders: anything, packages: anything },
  service: { folders: anything, packages: anything },
  'provider-choice': { folders: ['config', 'persistence', 'provider', 'start-error', 'workspace'], packages: ['pino'] },
  'start-error': { folders: [], packages: [] },
  config: { folders: ['workspace'], packages: ['zod'] },
  logger: { folders: ['workspace'], packages: ['pino'] },
  workspace: { folders: [], packages: ['zod'], builtins: ['node:crypto'] },
  machines: { folders: ['workspace'], packages: ['xstate'], builtins: ['node:crypto'] },
  provider: { folders: ['workspace'], packages: ['dockerode', 'node-pty', 'tar-stream'] },
  template: { folders: ['workspace'], packages: ['zod', 'jsonc-parser'] },
  persistence: { folders: ['workspace'], packages: ['better-sqlite3'] },
  supervisor: { folders: ['workspace', 'machines', 'provider', 'template', 'persistence'], packages: ['xstate'] },
  runtime: { folders: ['workspace', 'provider', 'persistence'], packages: ['@xterm', 'tar-stream'] },
  metrics: { folders: ['workspace', 'machines', 'provider', 'supervisor'], packages: ['prom-client'] },
  wire: { folders: ['workspace'], packages: ['zod'], builtins: ['node:crypto'] },
  http: {
    folders: ['workspace', 'machines', 'supervisor', 'runtime', 'wire'],
    packages: ['fastify', 'ws', '@fastify', 'fastify-type-provider-zod', 'openapi-types', 'close-with-grace', 'zod'],
  },
  client: { folders: ['wire'], packages: [] },
  cli: { folders: ['client', 'wire'], packages: ['commander', 'tar-stream', 'ws'] },
  chart: { folders: ['machines'], packages: ['xstate', 'elkjs'] },
  console: { folders: ['client', 'wire'], packages: ['preact', '@xterm'], builtins: [] },
}
