"use strict";

Object.defineProperty(exports, "__esModule", {
  value: true
});
exports.default = void 0;
var _default = exports.default = {
  'grapesjs-mjml': {
    category: '',
    panels: {
      buttons: {
        undo: 'Annuler',
        redo: 'Rétablir',
        desktop: 'Bureau',
        tablet: 'Tablette',
        mobile: 'Mobile',
        import: 'Import MJML'
      },
      import: {
        title: 'Importer MJML',
        button: 'Importer',
        label: ''
      },
      export: {
        title: 'Exporter MJML'
      }
    },
    components: {
      names: {
        body: 'Corps',
        button: 'Bouton',
        column: 'Colonne',
        oneColumn: '1 Colonne',
        twoColumn: '2 Colonnes',
        threeColumn: '3 Colonnes',
        divider: 'Séparateur',
        group: 'Groupe',
        hero: 'Héro',
        image: 'Image',
        navBar: 'Bar de navigation',
        navLink: 'Lien - Bar de navigation',
        section: 'Section',
        socialGroup: 'Groupe liens réseaux sociaux',
        socialElement: 'Lien réseau social',
        spacer: 'Espace',
        text: 'Texte',
        wrapper: 'Conteneur',
        raw: 'Brut'
      }
    }
  }
};