// npx tsx test/golden/write.ts: writes the golden database of the current schema and statechart version.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/persistence/database.ts'
import { installationStore } from '../../src/persistence/installation.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import { damagedRows, goldenHistories } from './golden-rows.ts'
import { goldenFile, currentVersions } from './golden-files.ts'
import { dumpDatabase } from './database-sql.ts'

const file = goldenFile(currentVersions)
if (existsSync(file)) {
  process.stderr.write(
    `${file} exists and is not overwritten: users have databases of this version. If you have changed the chart or the schema, add an upgrade to src/machines/snapshot-upgrades.ts or a migration to src/persistence/migrations.ts, which gives the file another name. If no release wrote it, remove it and run this again.\n`,
  )
  process.exitCode = 1
} else {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-golden-'))
  try {
    writeFileSync(file, goldenSql(join(folder, 'vm.db')))
    process.stdout.write(`${file}\n`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function goldenSql(path: string): string {
  const { db, close } = openDatabase(path)
  try {
    const store = workspaceStore(db)
    const { chooseProvider } = installationStore(db)
    db.prepare(`INSERT INTO installation (key, value) VALUES ('id', '0123456789ab')`).run()
    chooseProvider('docker')
    for (const history of goldenHistories()) {
      const [failedWrite] = store.commit(history).values()
      if (failedWrite) throw new Error('the database refused a history', { cause: failedWrite.error })
    }
    for (const [name, damage] of Object.entries(damagedRows))
      db.prepare(`UPDATE workspaces SET ${damage} WHERE name = ?`).run(name)
    return dumpDatabase(db)
  } finally {
    close()
  }
}
