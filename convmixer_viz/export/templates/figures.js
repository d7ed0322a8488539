// Unpacks plotly, which lies in the page gzipped, and draws the page's figures with it.
document.addEventListener("DOMContentLoaded", async () => {
  const packed = document.getElementById("plotly").textContent, figures = document.querySelectorAll("script.figure");
  if (typeof DecompressionStream === "undefined") {
    for (const { previousElementSibling: place } of figures)
      place.textContent = "This browser can't unpack the figures: open the page in one of 2023 or later.";
    return;
  }
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const code = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  const script = document.createElement("script");
  script.textContent = code;
  document.head.append(script);
  for (const figure of figures) {
    const { data, layout } = JSON.parse(figure.textContent);
    await Plotly.newPlot(figure.previousElementSibling, data, layout, { responsive: true });
  }
});
