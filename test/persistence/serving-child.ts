// Opens the database named on its command line, says so or says why not, and keeps it until it is ended.
import { DatabaseError } from '../../src/persistence/database-error.ts'
import { openDatabase } from '../../src/persistence/database.ts'

try {
  openDatabase(process.argv[2] ?? '')
  process.stdout.write('open\n')
  setInterval(() => undefined, 60_000)
} catch (error) {
  if (!(error instanceof DatabaseError)) throw error
  process.stdout.write(`${error.message}\n`)
}
