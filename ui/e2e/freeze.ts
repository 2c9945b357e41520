// The shell freezes the prototype of objects (tauri.conf.json, freezePrototype): so do the flows.
Object.freeze(Object.prototype);
