/** One step of the schema. Its version is its position in the list. It is applied once and never edited after a release. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

export const migrations: readonly Migration[] = [
  {
    name: 'workspaces, journal, idempotency keys, installation',
    sql: `
      CREATE TABLE workspaces (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of creation
        id         TEXT    NOT NULL UNIQUE,
        owner      TEXT    NOT NULL,
        name       TEXT    NOT NULL,
        template   TEXT    NOT NULL,
        provider   TEXT    NOT NULL,
        status     TEXT    NOT NULL,
        created_at INTEGER NOT NULL, -- times are milliseconds since the epoch
        updated_at INTEGER NOT NULL,
        expires_at INTEGER,
        revision   INTEGER NOT NULL,
        machine    INTEGER NOT NULL, -- version of the statechart that wrote the snapshot
        snapshot   TEXT    NOT NULL, -- {"value", "context"} as JSON
        unreadable TEXT              -- why this version of the service cannot read the snapshot
      ) STRICT;
      CREATE UNIQUE INDEX workspaces_name ON workspaces (owner, name) WHERE status <> 'deleting';
      CREATE INDEX workspaces_owner ON workspaces (owner, seq);
      CREATE INDEX workspaces_expiry ON workspaces (expires_at) WHERE expires_at IS NOT NULL AND status <> 'deleting';

      CREATE TABLE journal (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        workspace  TEXT    NOT NULL,
        owner      TEXT    NOT NULL,
        at         INTEGER NOT NULL,
        event      TEXT    NOT NULL,
        from_state TEXT,
        to_state   TEXT    NOT NULL,
        by         TEXT    NOT NULL,
        reason     TEXT,
        tries      INTEGER,
        revision   INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX journal_workspace ON journal (workspace, seq);
      CREATE INDEX journal_deleted ON journal (at) WHERE to_state = 'deleted';

      CREATE TABLE idempotency (
        owner       TEXT    NOT NULL,
        key         TEXT    NOT NULL,
        fingerprint TEXT    NOT NULL, -- of the request's body
        workspace   TEXT    NOT NULL,
        answer      TEXT    NOT NULL,
        at          INTEGER NOT NULL,
        PRIMARY KEY (owner, key)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX idempotency_at ON idempotency (at);

      CREATE TABLE installation (
        key   TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'execs and lifecycle output',
    sql: `
      CREATE TABLE execs (
        workspace   TEXT    NOT NULL,
        exec_id     TEXT    NOT NULL,
        kind        TEXT    NOT NULL, -- exec, shell
        owner       TEXT    NOT NULL, -- of the workspace
        by          TEXT    NOT NULL,
        command     TEXT    NOT NULL, -- as it was asked, as JSON
        fingerprint TEXT    NOT NULL, -- of all that was asked
        started_at  INTEGER NOT NULL,
        ended_at    INTEGER,
        exit_code   INTEGER,
        signal      TEXT,
        error       TEXT,
        PRIMARY KEY (workspace, exec_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX execs_started ON execs (workspace, started_at);
      CREATE INDEX execs_open ON execs (workspace) WHERE ended_at IS NULL;
      CREATE INDEX execs_age ON execs (started_at);

      CREATE TABLE lifecycle_output (
        seq       INTEGER PRIMARY KEY AUTOINCREMENT,
        workspace TEXT    NOT NULL,
        at        INTEGER NOT NULL,
        command   TEXT    NOT NULL,
        stream    TEXT    NOT NULL,
        data      BLOB    NOT NULL
      ) STRICT;
      CREATE INDEX lifecycle_output_workspace ON lifecycle_output (workspace, seq);
    `,
  },
  {
    name: 'API terms: attempts, response, update, stop, remove',
    sql: `
      ALTER TABLE journal RENAME COLUMN tries TO attempts;
      ALTER TABLE idempotency RENAME COLUMN answer TO response;
      UPDATE journal SET event = 'update' WHERE event = 'amend';
      UPDATE journal SET event = 'stop' || substr(event, 5) WHERE event LIKE 'halt.%';
      UPDATE journal SET event = 'remove' || substr(event, 8) WHERE event LIKE 'destroy.%';
    `,
  },
]
