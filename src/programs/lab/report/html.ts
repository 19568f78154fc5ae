/** Text as HTML shows it, in elements and in attributes. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

/** Style of the page: no script, nothing from elsewhere, light and dark as the reader prefers. Colours: Okabe-Ito. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1a1a; --faint: #6b6b6b; --rule: #d5d5d5; --good: #00715a; --warn: #8a5a00; --bad: #b03a00; --first: #0072b2; --again: #e69f00; --gone: #d55e00 }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8e8e8; --faint: #a3a3a3; --rule: #3a3d42; --good: #35c7a2; --warn: #f0b429; --bad: #ff8a4c; --first: #56b4e9; --again: #f0b429; --gone: #ff7f50 } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 3rem } .lead, figcaption, .notes { color: var(--faint) }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
caption { text-align: left; padding-bottom: .5rem; color: var(--faint) } th, td { border-bottom: 1px solid var(--rule); padding: .35rem .6rem; text-align: left; white-space: nowrap }
td.number, th.number { text-align: right } .good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) }
figure { margin: 1.5rem 0 } svg { display: block; width: 100%; height: auto } svg text { fill: var(--faint); font: 11px system-ui, sans-serif }
.axis { stroke: var(--rule) } .first { fill: var(--first) } .again { fill: var(--again) } .lost { stroke: var(--gone); stroke-width: 2 } .event { stroke: var(--faint); stroke-dasharray: 3 3 } .event.kill { stroke: var(--bad); stroke-dasharray: none } .commit { stroke: var(--good) }
.key span { margin-right: 1.2rem; white-space: nowrap } .key i { display: inline-block; width: .7rem; height: .7rem; margin-right: .35rem }
`.trim()
