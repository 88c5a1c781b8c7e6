// A dashboard as Grafana's own components draw it: `window.homemon` has its JSON, and what its queries answered.
import {
  applyFieldOverrides, createTheme, dateTime, FieldType, Registry, reduceField, toDataFrame,
} from "@grafana/data";
import { VizOrientation } from "@grafana/schema";
import { BigValue, PanelChrome, ThemeContext, TimeSeries, VizRepeater } from "@grafana/ui";
import { createRoot } from "react-dom/client";

const { board, answers, width } = window.homemon;
const theme = createTheme({ colors: { mode: "light" } });
const gap = theme.spacing.gridSize;

// Grafana registers the properties of fields in its application; these are those that the dashboards set.
const property = (id) => ({
  id, name: id, path: id.replace("custom.", ""), isCustom: id.startsWith("custom."),
  override: () => null, process: (value) => value, shouldApply: () => true, settings: {},
});
const ids = board.panels.flatMap(({ fieldConfig: { defaults, overrides } }) => [
  ...Object.keys(defaults).filter((id) => id !== "custom"),
  ...Object.keys(defaults.custom ?? {}).map((id) => `custom.${id}`),
  ...overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
]);
const registry = new Registry(() => [...new Set(ids)].map(property));

const frames = (panel) =>
  applyFieldOverrides({
    data: answers[panel.id].series.map(({ name, times, values }) =>
      toDataFrame({
        fields: [
          { name: "Time", type: FieldType.time, values: times, config: {} },
          { name: "Value", type: FieldType.number, values, config: { displayNameFromDS: name } },
        ],
      })),
    fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: (text) => text, theme,
    timeZone: board.timezone,
  });

const Stat = ({ panel, width, height }) => (
  <VizRepeater source={panel} width={width} height={height} itemSpacing={3} orientation={VizOrientation.Auto} autoGrid
    getValues={() => frames(panel).map(({ fields: [, field] }) => field)}
    renderValue={({ value: field, width, height, count }) => {
      const [calc] = panel.options.reduceOptions.calcs;
      const value = field.display(reduceField({ field, reducers: [calc] })[calc]);
      const title = field.config.displayNameFromDS;
      return <BigValue {...panel.options} {...{ theme, width, height, count, value: { ...value, title } }} />;
    }} />
);

const Lines = ({ panel, width, height }) => {
  const { from, to } = answers[panel.id];
  const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  return (
    <TimeSeries frames={frames(panel)} width={width} height={height} timeRange={range} timeZone={board.timezone}
      legend={panel.options.legend} options={panel.options} structureRev={1} />
  );
};

const cell = (width + gap) / 24;
const Board = () => (
  <ThemeContext.Provider value={theme}>
    {board.panels.map((panel) => {
      const { x, y, w, h } = panel.gridPos;
      const size = { width: w * cell - gap, height: h * (30 + gap) - gap };
      const Drawn = panel.type === "stat" ? Stat : Lines;
      return (
        <div key={panel.id} style={{ position: "absolute", left: x * cell, top: y * (30 + gap), ...size }}>
          <PanelChrome title={panel.title} {...size}>
            {(inner, height) => <Drawn panel={panel} width={inner} height={height} />}
          </PanelChrome>
        </div>
      );
    })}
  </ThemeContext.Provider>
);

createRoot(document.getElementById("board")).render(<Board />);
