/** What an operator may set. The one table behind parsing, `--help` and docs/configuration.md. */
export interface Setting {
  /** The text that stands in when the variable is not set; `null`: there is none. */
  readonly default: string | null
  /** How the default is told when there is no such text. */
  readonly defaultDescription?: string
  /** For people, without markup. */
  readonly description: string
  /** Its value is never printed. */
  readonly secret?: true
}

export const settings = {
  VM_API_BIND: {
    default: '127.0.0.1:3000',
    description: 'Address and port to listen on; an IPv6 address stands in brackets, port 0 is any free one.',
  },
  VM_API_DB_PATH: {
    default: null,
    defaultDescription: '~/.vm/api/vm.db, on Windows %APPDATA%\\vm\\api\\vm.db',
    description: 'The database file; made and migrated at start.',
  },
  VM_API_PROVIDER: {
    default: 'auto',
    description:
      'Where workspaces run: docker, process (no isolation; not with VM_API_AUTH=proxy), or auto: at the first start Docker if its engine answers, else process, and that one from then on.',
  },
  VM_API_TEMPLATES_DIR: {
    default: null,
    defaultDescription: 'the shipped templates',
    description: 'A folder to use in their place: one folder per template, each with a devcontainer.json.',
  },
  VM_API_AUTH: {
    default: 'dev',
    description:
      'Who is believed about the user. dev: everybody, and only loopback may be bound; proxy: a trusted proxy only, and x-user never.',
  },
  VM_API_TRUSTED_PROXIES: {
    default: '127.0.0.0/8,::1',
    description: 'With VM_API_AUTH=proxy, the proxies that are trusted: addresses and CIDR ranges, with commas.',
  },
  VM_API_PROXY_SECRET: {
    default: null,
    defaultDescription: 'none',
    description: 'If set, the proxy must send it as X-VM-Proxy-Secret.',
    secret: true,
  },
  VM_API_OPERATORS: {
    default: null,
    defaultDescription: 'none',
    description: 'User names that may see and repair all workspaces, with commas.',
  },
  VM_API_PROVISIONER_INTERVAL: {
    default: '5',
    description: 'Seconds between the sweeps that resume what was left undone; work itself starts at once.',
  },
  VM_API_JANITOR_INTERVAL: {
    default: '60',
    description: 'Seconds between the sweeps that compare workspaces with the engine and catch what has expired.',
  },
  VM_API_PROVISION_CONCURRENCY: {
    default: '8',
    description: 'How many workspaces are provisioned at a time; owners take turns.',
  },
  VM_API_JOURNAL_DAYS: {
    default: '30',
    description: 'Days for which the history of a deleted workspace is kept.',
  },
  VM_API_METRICS_TOKEN: {
    default: null,
    defaultDescription: 'none',
    description: 'Bearer token for /metrics. Without one it answers programs on this machine only.',
    secret: true,
  },
  VM_API_LOG_LEVEL: {
    default: 'info',
    description: 'The least that is logged: trace, debug, info, warn, error, fatal or silent.',
  },
} as const satisfies Readonly<Record<string, Setting>>

export type SettingName = keyof typeof settings

export const settingEntries: readonly (readonly [string, Setting])[] = Object.entries(settings)
