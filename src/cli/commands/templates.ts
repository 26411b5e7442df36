import { Command } from 'commander'
import type { Runner } from '../runner.ts'
import { table } from '../table.ts'

const gib = 1024 ** 3

export function templatesCommand(run: Runner): Command {
  return new Command('templates')
    .summary('what one can be made from')
    .description('Lists the templates. Piped, each line has, between tabs: name, image, CPUs, memory, ports, title.')
    .action(
      run(async ({ client, out, json }) => {
        const all = await client.templates()
        if (json) {
          out.json(all)
          return
        }
        const columns = [
          { title: 'NAME' },
          { title: 'IMAGE', gives: true },
          { title: 'CPUS' },
          { title: 'MEMORY' },
          { title: 'PORTS' },
          { title: 'TITLE', gives: true },
        ]
        const rows = all.map((one) => [
          one.default && out.isTerminal ? `${one.name} *` : one.name,
          one.image,
          String(one.cpus),
          `${Math.round((10 * one.memory_bytes) / gib) / 10} GiB`,
          one.forward_ports.join(','),
          one.title,
        ])
        for (const line of table(columns, rows, out.columns, (field, _column, row) =>
          row < 0 ? out.paint('dim', field) : field,
        ))
          out.say(line)
        if (out.isTerminal) out.note('* is used if none is named.')
      }),
    )
}
