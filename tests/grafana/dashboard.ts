// What Grafana's own types (@grafana/schema) say of a dashboard, for JSON: enumerations by their values.
import type * as schema from "@grafana/schema";
import type { Options as StatOptions } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type {
  FieldConfig as TimeSeriesFields,
  Options as TimeSeriesOptions,
} from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Any<T> = 0 extends 1 & T ? true : false;
type Plain<T> =
  Any<T> extends true ? T
  : T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer Each)[] ? Plain<Each>[]
  : T extends object ? { [Name in keyof T]: Plain<T[Name]> }
  : T;

type Source = { type: "influxdb" | "prometheus"; uid: "${datasource}" };
type Influx = { rawQuery: true; query: string; resultFormat: "time_series"; alias: string };
type Prometheus = {
  editorMode: "code";
  expr: string;
  format: "time_series";
  range: true;
  instant: false;
  interval: string;
  legendFormat: string;
};
type Target = { refId: string; datasource: Source } & (Influx | Prometheus);
type Options<Of> = Omit<Plain<Of>, "tooltip"> & { tooltip?: { mode: `${schema.TooltipDisplayMode}`; sort: `${schema.SortOrder}` } };
type Panel<Kind, PanelOptions, Custom> = Omit<Plain<schema.Panel>, "type" | "options" | "fieldConfig" | "targets"> & {
  type: Kind;
  targets: Target[];
  options: Options<PanelOptions>;
  fieldConfig: {
    defaults: Omit<Plain<schema.FieldConfig>, "custom"> & { custom?: Plain<Custom> };
    overrides: { matcher: Plain<schema.MatcherConfig>; properties: { id: string; value: unknown }[] }[];
  };
};
export type Board = Omit<Plain<schema.Dashboard>, "panels"> & {
  panels: (Panel<"timeseries", TimeSeriesOptions, TimeSeriesFields> | Panel<"stat", StatOptions, never>)[];
};
