/** A setting of the service. The table below drives parsing, `--help` and docs/configuration.md. */
export interface Setting {
  /** The value of an unset variable; `null` if there is no such text. */
  readonly default: string | null
  /** Describes the default where `default` is `null`. */
  readonly defaultDescription?: string
  /** For operators, without markup. */
  readonly description: string
  /** The value is never printed. */
  readonly secret?: true
}

export const settings = {
  VM_API_BIND: {
    default: '127.0.0.1:3000',
    description: 'Address and port to listen on. Write an IPv6 address in brackets; port 0 picks a free port.',
  },
  VM_API_DB_PATH: {
    default: null,
    defaultDescription: '~/.vm/api/vm.db, on Windows %APPDATA%\\vm\\api\\vm.db',
    description: 'The database file. The service creates and migrates it at start.',
  },
  VM_API_PROVIDER: {
    default: 'auto',
    description:
      'Where workspaces run: docker, process (no isolation; not with VM_API_AUTH=proxy), or auto. auto chooses docker if an engine answers at the first start, else process, and keeps that choice.',
  },
  VM_API_TEMPLATES_DIR: {
    default: null,
    defaultDescription: 'the shipped templates',
    description: 'A folder of templates that replace the shipped ones: one folder each, with a devcontainer.json.',
  },
  VM_API_AUTH: {
    default: 'dev',
    description:
      'How users are authenticated. dev: the service trusts the x-user header and binds only to loopback; proxy: it trusts X-VM-User from a trusted proxy.',
  },
  VM_API_TRUSTED_PROXIES: {
    default: '127.0.0.0/8,::1',
    description: 'Trusted proxies for VM_API_AUTH=proxy: addresses and CIDR ranges, separated by commas.',
  },
  VM_API_PROXY_SECRET: {
    default: null,
    defaultDescription: 'none',
    description: 'A secret that the proxy must send as X-VM-Proxy-Secret.',
    secret: true,
  },
  VM_API_OPERATORS: {
    default: null,
    defaultDescription: 'none',
    description: 'Users who may see and repair all workspaces, separated by commas.',
  },
  VM_API_PROVISIONER_INTERVAL: {
    default: '5',
    description: 'Seconds between the sweeps that resume interrupted work. New work starts at once.',
  },
  VM_API_JANITOR_INTERVAL: {
    default: '60',
    description: 'Seconds between the sweeps that compare workspaces with the engine and delete expired ones.',
  },
  VM_API_PROVISION_CONCURRENCY: {
    default: '8',
    description: 'Maximum number of workspaces provisioned at the same time. Owners take turns.',
  },
  VM_API_JOURNAL_DAYS: {
    default: '30',
    description: 'Days to keep the history of a deleted workspace.',
  },
  VM_API_METRICS_TOKEN: {
    default: null,
    defaultDescription: 'none',
    description: 'Bearer token for /metrics. Without a token, only programs on this machine may read it.',
    secret: true,
  },
  VM_API_LOG_LEVEL: {
    default: 'info',
    description: 'Minimum level of log lines: trace, debug, info, warn, error, fatal or silent.',
  },
} as const satisfies Readonly<Record<string, Setting>>

export type SettingName = keyof typeof settings

export const settingEntries: readonly (readonly [string, Setting])[] = Object.entries(settings)
