// The bounds of kubelet's histograms, in seconds, by what they measure.

export const usual = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
export const ofCalls = Array.from({ length: 14 }, (_, i) => 0.005 * 2.5 ** i)
export const ofStarts = [
  ...[0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600],
  ...[900, 1200, 1800, 2700, 3600],
]
export const ofStatuses = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 45, 60]
export const ofVolumes = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600]
export const ofLives = [60, 3600, 14_400, ...[1, 7, 30, 90, 180, 360, 1440].map(days => days * 86_400)]
export const ofPlacing = Array.from({ length: 15 }, (_, i) => 0.05 * 2 ** i)
export const ofPulls = [1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600]
export const ofRequests = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
