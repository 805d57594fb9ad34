"""The card's style: black on white, because it is copied, faxed and read by torchlight; A4 and Letter alike."""

STYLE = """
*{box-sizing:border-box}
body{font:10.5pt/1.3 "DejaVu Sans","Liberation Sans",Arial,sans-serif;color:#000;background:#fff;margin:0}
table.page{width:100%;max-width:186mm;margin:0 auto;border-collapse:collapse;table-layout:fixed}
table.page>thead>tr>td,table.page>tbody>tr>td{padding:0}
.running{font-size:8.5pt;border-bottom:1px solid #000;margin:0 0 8px;padding:0 0 3px;overflow-wrap:anywhere}
h1{font-size:21pt;line-height:1.15;margin:6px 0 4px}
h2{font-size:13pt;margin:14px 0 4px}
h3{font-size:11.5pt;margin:9px 0 2px}
p{margin:3px 0}
.lab{display:inline-block;border:3px solid #000;padding:0 10px;font-weight:800;font-size:15pt;margin:0 0 4px}
dl{margin:4px 0;display:grid;grid-template-columns:max-content 1fr;gap:2px 14px}
dt{font-weight:700}
dd{margin:0;overflow-wrap:anywhere}
code{overflow-wrap:anywhere;font-family:"DejaVu Sans Mono","Liberation Mono",monospace;font-weight:700}
code{font-size:10pt}
table.device{width:100%;border:3px solid #000;border-collapse:separate;border-spacing:0;table-layout:fixed;margin:14px 0 0}
table.device{break-before:page;break-inside:avoid;box-decoration-break:clone}
table.device>thead td{padding:6px 12px 2px}table.device>tbody>tr>td{padding:0 12px 10px}
table.device h2{font-size:18pt;margin:0;overflow-wrap:anywhere}
ol.type{margin:6px 0;padding-left:1.9em}
ol.type li{break-inside:avoid;margin:0 0 6px;font-weight:700}
ol.type code{display:block;font-size:inherit;border:1px solid #000;padding:5px 7px;overflow-wrap:anywhere;line-height:1.45}
ol.type code span{display:inline-block}
ol,ul{margin:4px 0;padding-left:1.4em}
li{margin:0 0 3px;break-inside:avoid}
code.console{display:block;font-size:13pt;margin:2px 0}
code.host{display:block;margin:2px 0;font-size:11pt}
code.host span{display:inline-block}
code.look{font-size:11.5pt;border:1px solid #000;padding:0 4px;margin-right:4px}
.blank{display:inline-block;border-bottom:1px solid #000;min-width:50mm;height:1.2em;vertical-align:bottom}
table.call{border-collapse:collapse;width:100%}
table.call th,table.call td{border:1px solid #000;text-align:left;vertical-align:top;padding:4px 6px;overflow-wrap:anywhere}
table.call{font-size:10pt}
table.call th:first-child{width:24%}
table.call th:last-child{width:30%}
.box{border:1px solid #000;padding:4px 8px;margin:8px 0}
@media screen{table.page{margin:14px auto;padding:0 14px}}
@media print{
@page{margin:12mm}
thead{display:table-header-group}
h2,h3{break-after:avoid}
table.call tr,.box,.facts{break-inside:avoid}
}
"""
