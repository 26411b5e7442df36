// Opens the database given as its argument, prints `open` or the error, and holds the database until it is killed.
import { DatabaseError } from '../../dist/persistence/database-error.js'
import { openDatabase } from '../../dist/persistence/database.js'

try {
  openDatabase(process.argv[2] ?? '')
  process.stdout.write('open\n')
  setInterval(() => undefined, 60_000)
} catch (error) {
  if (!(error instanceof DatabaseError)) throw error
  process.stdout.write(`${error.message}\n`)
}
