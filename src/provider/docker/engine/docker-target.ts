/** Where an engine listens, and how messages name it. */
export interface DockerTarget {
  readonly endpoint:
    | { readonly kind: 'socket'; readonly path: string }
    | { readonly kind: 'http'; readonly host: string; readonly port: number }
    | { readonly kind: 'https'; readonly host: string; readonly port: number; readonly tls: TlsFiles }
  /** For messages: `unix:///var/run/docker.sock`, `tcp://10.0.0.5:2376 (docker context "build")`. */
  readonly description: string
  /** The Docker client's `config.json`, which holds registry credentials. The file need not exist. */
  readonly configFile: string
}

/** The contents of the PEM files. */
export interface TlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}
