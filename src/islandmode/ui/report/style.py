"""The report's style: screen, phone and paper; colours differ by pattern too, so that grey prints tell them apart."""

STYLE = """
:root{--ink:#1d2730;--soft:#5a6772;--line:#d5dce2;--good:#2f8f5b;--bad:#b3261e;--unknown:#b07d12;--band:#e8eef7;--paper:#fff}
*{box-sizing:border-box}
body{font:15px/1.45 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:var(--ink);background:#f3f5f7;margin:0}
table.page{max-width:1080px;width:100%;margin:0 auto;background:var(--paper);border-collapse:collapse;table-layout:fixed}
table.page>thead>tr>td,table.page>tbody>tr>td{padding:0 28px}
.running{font-size:12px;color:var(--soft);border-bottom:1px solid var(--line);margin:0 0 8px;padding:10px 0 6px}
.running strong{color:#8a4b00}
h1{font-size:26px;margin:14px 0}
h2{font-size:18px;margin:30px 0 8px;padding-top:8px;border-top:2px solid var(--ink)}
h3{font-size:15px;margin:16px 0 4px}
p{margin:4px 0}
.note{color:var(--soft);font-size:12.5px;overflow-wrap:anywhere}
.verdicts{display:flex;gap:14px;flex-wrap:wrap}
.box{flex:1 1 300px;border:1px solid var(--line);border-left:8px solid var(--soft);border-radius:4px;padding:10px 14px}
.box .what{display:block;font-size:12px;color:var(--soft);text-transform:uppercase;letter-spacing:.06em}
.box .said{font-size:27px;font-weight:700}
.box.held,.box.proven{border-left-color:var(--good)}.box.held .said,.box.proven .said{color:var(--good)}
.box.breached,.box.unproven{border-left-color:var(--bad)}.box.breached .said,.box.unproven .said{color:var(--bad)}
.box.inconclusive .said,.box.not-tested .said{color:var(--unknown)}
.box.inconclusive,.box.not-tested{border-left-color:var(--unknown)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:6px 18px;margin:16px 0}
.facts dt{font-size:11.5px;color:var(--soft);text-transform:uppercase;letter-spacing:.05em}
.facts dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table.data{border-collapse:collapse;width:100%;font-size:13.5px;margin:6px 0}
table.data th,table.data td{text-align:left;padding:4px 8px;border-bottom:1px solid var(--line);vertical-align:top}
table.data thead th{font-size:11.5px;color:var(--soft);text-transform:uppercase;letter-spacing:.04em;border-bottom:1px solid var(--ink)}
table.small{font-size:12px}
.result{white-space:nowrap}.result.held{color:var(--good)}.result.breached{color:var(--bad);font-weight:700}
.result.inconclusive,.result.not-tested{color:var(--unknown);font-weight:700}
.failed{border:1px solid var(--line);border-left:8px solid var(--unknown);border-radius:4px;padding:8px 14px;margin:8px 0}
.failed.breached{border-left-color:var(--bad)}.failed>strong{font-size:16px;color:#8a5f00}.failed.breached>strong{color:var(--bad)}
.failed dl{display:grid;grid-template-columns:58px 1fr;gap:3px 10px;margin:4px 0 0}
.failed dt{font-weight:700;color:var(--soft)}.failed dd{margin:0;overflow-wrap:anywhere}.failed ul{margin:0;padding-left:18px}
.nothing{font-size:17px}.nothing strong{color:var(--good)}
.box.refused{border-left-color:var(--unknown)}.box.refused .said{color:var(--unknown)}
h1.behind{margin-top:56px;border-top:6px solid var(--ink);padding-top:14px}
.findings{list-style:none;padding:0}
.findings li{border-left:5px solid var(--line);padding:4px 10px;margin:6px 0}
.findings li.breached{border-color:var(--bad)}.findings li.inconclusive,.findings li.not-tested{border-color:var(--unknown)}
.findings strong{text-transform:uppercase;font-size:11.5px;letter-spacing:.05em;margin-right:4px}
code{font:12px ui-monospace,"DejaVu Sans Mono",monospace;color:var(--soft)}
pre{font:12px/1.4 ui-monospace,"DejaVu Sans Mono",monospace;background:#f6f8fa;padding:10px;overflow-x:auto;white-space:pre-wrap}
.plot{width:100%;height:auto;display:block;min-width:640px}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:12.5px;color:var(--soft)}
.key{display:inline-block;width:20px;height:10px;margin-right:5px;vertical-align:middle}
.legend svg{vertical-align:middle}
.key.band{background:var(--band);border:1px solid var(--line)}.key.frame{border:1.5px dashed var(--ink)}
.mark{position:fixed;inset:0;display:flex;align-items:center;justify-content:center;font-size:min(34vw,330px);font-weight:800;
color:#8a4b00;opacity:.05;transform:rotate(-24deg);pointer-events:none;letter-spacing:.1em}
@media(max-width:640px){
table.page>thead>tr>td,table.page>tbody>tr>td{padding:0 12px}
h1{font-size:21px}.box .said{font-size:22px}
table.stack thead{display:none}table.stack tr{display:block;border-bottom:1px solid var(--ink);padding:6px 0}
table.stack td{display:block;border:0;padding:1px 0}
table.stack td:not([data-h=""])::before{content:attr(data-h) ": ";color:var(--soft);font-size:12px}
}
@media print{
@page{size:A4;margin:12mm}
body{background:#fff;font-size:10.5pt}
table.page{max-width:none}table.page>thead>tr>td,table.page>tbody>tr>td{padding:0}
thead{display:table-header-group}
table.data tr,.box,.failed,.findings li,figure,svg{break-inside:avoid}
h1{font-size:17pt}h1.behind{break-before:page;margin-top:0}h2{margin-top:14px}
h2,h3{break-after:avoid}
.wide{overflow:visible}.plot{min-width:0}
table.data{font-size:8.5pt}table.small{font-size:7.5pt}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
"""
