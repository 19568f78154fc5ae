import type { Guarantee } from "../../../domain/delivery.js"
import type { ExperimentResult, FaultResult } from "../labReport.js"
import type { CaseResult, Repeat } from "../runCases.js"
import { escaped, style } from "./html.js"
import { timeline } from "./timeline.js"

export interface ReportContent extends Repeat {
  readonly results: ReadonlyArray<ExperimentResult>
  readonly faults: ReadonlyArray<FaultResult>
}

/** One page that stands alone: what each strategy does to records, with a picture of each run. */
export const reportPage = ({ faults, repeat, results, seed }: ReportContent): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Delivery lab</title>
<style>${style}</style>
</head>
<body>
<h1>Delivery lab</h1>
<p class="lead">What commit strategies do to records when consumers stop, die, rebalance or come back as zombies. The real
programs on a simulated cluster, in virtual time: <code>tributary lab report --seed ${seed} --repeat ${repeat}</code> makes the
same page again.</p>
<p class="key"><span><i style="background:var(--first)"></i>processed</span><span><i style="background:var(--again)"></i>processed
again</span><span><i style="background:var(--gone)"></i>lost (at the left edge)</span><span><i style="background:var(--good)"></i>commit
(below the axis)</span></p>
<h2 id="matrix">Strategies against faults</h2>
${matrixTable(faults)}
${results.map(experimentSection).join("\n")}
</body>
</html>
`

const matrixTable = (faults: ReadonlyArray<FaultResult>): string => {
  const first = faults[0]?.cases ?? []
  const rows = first.map(({ strategy }, index) =>
    `<tr><th scope="row">${escaped(strategy)}</th>${faults.map(({ cases }) => matrixCell(cases[index])).join("")}</tr>`
  )
  return `<div class="scroll"><table>
<caption>Lost and repeated records of ${first[0]?.runs ?? 0} runs, ${
    first[0]?.totals.produced ?? 0
  } records each cell.</caption>
<thead><tr><th scope="col">Strategy</th>${
    faults.map(({ name }) => `<th scope="col">${escaped(name)}</th>`).join("")
  }</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>`
}

const matrixCell = (result: CaseResult | undefined): string => {
  if (result === undefined) return "<td></td>"
  const { guarantee, totals } = result
  const text = totals.lost + totals.repeated === 0 ? "✓ each once" : `${totals.lost} lost, ${totals.repeated} repeated`
  return `<td class="${shade[guarantee]}" title="${guarantee}">${text}</td>`
}

const shade: Readonly<Record<Guarantee, string>> = {
  "exactly once": "good",
  "at least once": "warn",
  "at most once": "bad",
  "neither": "bad"
}

const experimentSection = ({ cases, name, title, why }: ExperimentResult): string =>
  `<section id="${escaped(name)}">
<h2>${escaped(name)}</h2>
<p class="lead">${escaped(title)}</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Strategy</th>${
    ["Runs", "Produced", "Processed", "Lost", "Repeated", "Out of order"].map((head) =>
      `<th scope="col" class="number">${head}</th>`
    ).join("")
  }<th scope="col">Delivery</th></tr></thead>
<tbody>
${cases.map(caseRow).join("\n")}
</tbody>
</table></div>
<p>${escaped(why)}</p>
${cases.map(figure).join("\n")}
</section>`

const caseRow = ({ guarantee, runs, strategy, totals }: CaseResult): string => {
  const { lost, outOfOrder, processed, produced, repeated } = totals
  const numbers = [runs, produced, processed, lost, repeated, outOfOrder]
  return `<tr><th scope="row">${escaped(strategy)}</th>${
    numbers.map((number) => `<td class="number">${number}</td>`).join("")
  }<td class="${shade[guarantee]}">${guarantee}</td></tr>`
}

const figure = ({ first, strategy }: CaseResult): string =>
  `<figure>
${timeline(first, strategy)}
<figcaption>${escaped([strategy, ...first.notes].join(" · "))}</figcaption>
</figure>`
