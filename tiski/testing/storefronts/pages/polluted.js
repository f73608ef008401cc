// Old libraries on the page: names on prototypes, built-ins replaced by something else.
Array.prototype.extra = () => "extra";
String.prototype.extra = () => "extra";
Array.from = () => ["patched"];
Function.prototype.bind = function () {
  return () => "patched";
};
window.$ = window.jQuery = () => ({});
