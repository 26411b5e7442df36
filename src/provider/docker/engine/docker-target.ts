/** What an engine listens on, and what a person would call it. */
export interface DockerTarget {
  readonly at:
    | { readonly kind: 'socket'; readonly path: string }
    | { readonly kind: 'http'; readonly host: string; readonly port: number }
    | { readonly kind: 'https'; readonly host: string; readonly port: number; readonly tls: TlsFiles }
  /** `unix:///var/run/docker.sock`, `tcp://10.0.0.5:2376 (context "build")`. */
  readonly described: string
  /** The docker client's `config.json`, with the credentials for registries. It need not exist. */
  readonly configFile: string
}

/** Certificates in PEM, as text. */
export interface TlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}
