import { Command } from 'commander'
import type { CommandRunner } from '../command-runner.ts'
import { formatTable } from '../output/table.ts'

const gib = 1024 ** 3

export function templatesCommand(run: CommandRunner): Command {
  return new Command('templates')
    .summary('list the templates')
    .description(
      'Lists the templates of the service. If stdout is not a terminal, each line has these fields, separated by tabs: name, image, CPUs, memory, ports, title.',
    )
    .action(
      run(async ({ client, out, json }) => {
        const templates = await client.templates()
        if (json) {
          out.printJson(templates)
          return
        }
        const columns = [
          { title: 'NAME' },
          { title: 'IMAGE', shrinks: true },
          { title: 'CPUS' },
          { title: 'MEMORY' },
          { title: 'PORTS' },
          { title: 'TITLE', shrinks: true },
        ]
        const rows = templates.map((template) => [
          template.default && out.isTerminal ? `${template.name} *` : template.name,
          template.image,
          String(template.cpus),
          `${Math.round((10 * template.memory_bytes) / gib) / 10} GiB`,
          template.forward_ports.join(','),
          template.title,
        ])
        for (const line of formatTable(columns, rows, out.columns, (field, _column, row) =>
          row < 0 ? out.paint('dim', field) : field,
        ))
          out.printLine(line)
        if (out.isTerminal) out.printStatus('* default template')
      }),
    )
}
