export const driverCalls = [];
